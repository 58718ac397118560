"""Runs the cases of ``cases.py`` under evergraph and stock TensorFlow and prints the ratios.

    python -m benchmarks                 all of them
    python -m benchmarks save restore    these
    python -m benchmarks --json FILE     also keeps the numbers

Both libraries on one thread, TensorFlow without oneDNN, in alternation, each in a fresh process.
A ratio above 1 means that evergraph is better. Read it with care: one machine, one run, the page
cache warm; evergraph's save ends with fsync, TensorFlow's does not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CASES = Path(__file__).with_name("cases.py")
LIBRARIES = {
    "evergraph": sys.executable,
    "tf2.15": str(ROOT / ".oracle" / "tf2.15" / "bin" / "python"),
}
NAMES = ("import", "build", "save", "restore", "steps", "small_run")
MORE_IS_BETTER = {"per_second"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="CASE", help=", ".join(NAMES))
    parser.add_argument("--json", type=Path, help="a file to keep the numbers in")
    options = parser.parse_args()
    names = options.names or list(NAMES)
    if unknown := set(names) - set(NAMES):
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    raw = measure("raw", "raw") if {"save", "restore"} & set(names) else {}

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'case':<12}{'unit':<12}{'evergraph':>12}{'tf2.15':>12}{'ratio':>8}{'raw':>10}")
    kept = {}
    for name in names:
        found = {library: measure(library, name) for library in LIBRARIES}
        kept[name] = found
        for unit, ours in found["evergraph"].items():
            theirs = found["tf2.15"][unit]
            better, worse = (ours, theirs) if unit in MORE_IS_BETTER else (theirs, ours)
            ratio = f"{better / worse:.2f}" if worse > 0 else "-"
            limit = f"{raw[name]:.3f}" if unit == "seconds" and name in raw else ""
            print(f"{name:<12}{unit:<12}{ours:>12.4g}{theirs:>12.4g}{ratio:>8}{limit:>10}")
    if options.json:
        options.json.write_text(json.dumps({"raw": raw, **kept}, indent=1), encoding="utf-8")


def measure(library: str, name: str) -> dict[str, float]:
    """One case in a fresh process. Raises CalledProcessError where it fails."""
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
    env.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="-1")
    # An installed package has its byte code.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    python = LIBRARIES.get(library, sys.executable)
    command = [python, str(CASES), library, name]
    if name == "import":
        subprocess.run(
            command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
