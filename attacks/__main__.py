"""`python -m attacks`: see the package's documentation."""

from __future__ import annotations

import argparse
import subprocess
import sys

from attacks import trial


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m attacks")
    parser.add_argument("names", nargs="*", help="some attacks; all by default")
    parser.add_argument("--tensorflow", metavar="PYTHON", help="try the TensorFlow of this Python")
    arguments = parser.parse_args()
    for name in arguments.names or trial.names():
        # In a process of its own each, so that the memory that is told is that of this attack.
        if len(arguments.names) != 1:
            command = [sys.executable, "-m", "attacks", name]
            if arguments.tensorflow:
                command += ["--tensorflow", arguments.tensorflow]
            subprocess.run(command, check=True)
            continue
        if arguments.tensorflow:
            outcome = trial.try_tensorflow(name, arguments.tensorflow)
        else:
            outcome = trial.try_evergraph(name)
        print(
            f"{name}\t{outcome.end}\t{outcome.seconds:.1f} s\t{outcome.megabytes} MB\t"
            f"{outcome.message[:150]}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
