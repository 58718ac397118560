"""Runs the tests of messages and graph files against old and new protobuf.

    python tools/check_protobuf_versions.py [FOLDER]

Makes one virtual environment for each release line in FOLDER (default: a temporary one;
environments that are there already are used again), and runs the tests in each.  Ends with
status 1 if any of them fails.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The oldest that pyproject.toml allows, and the newest of each line since.
RELEASES = {
    "4.22": "protobuf==4.22.*",
    "5": "protobuf==5.*",
    "6": "protobuf==6.*",
    "7": "protobuf==7.*",
}
TESTS = [
    f"tests/formats/test_{name}.py"
    for name in (
        "protos",
        "tensor_proto",
        "message_text",
        "graph_file",
        "checkpoint_state",
    )
]


def prepare(folder: Path, requirement: str) -> Path:
    """Makes an environment with evergraph and that protobuf; returns its interpreter."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*install, "-e", ROOT, requirement, "pytest", "hypothesis"], check=True)
    return python


def check(folder: Path) -> list[str]:
    """Runs the tests in every environment; returns the release lines where they failed."""
    failed = []
    for line, requirement in RELEASES.items():
        python = prepare(folder / line, requirement)
        ask = "import google.protobuf; print(google.protobuf.__version__)"
        version = subprocess.check_output([python, "-c", ask], text=True).strip()
        print(f"protobuf {version}", flush=True)
        done = subprocess.run([python, "-m", "pytest", "-q", *TESTS], cwd=ROOT, check=False)
        if done.returncode != 0:
            failed.append(version)
    return failed


def main(arguments: list[str]) -> int:
    if arguments:
        failed = check(Path(arguments[0]).resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            failed = check(Path(folder))
    print(f"failed with protobuf {', '.join(failed)}" if failed else "all releases serve")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
