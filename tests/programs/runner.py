"""Runs a program as a user does: ``evergraph run``, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def evergraph_run(
    script: Path, *arguments: object, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished process of ``evergraph run SCRIPT ARGUMENTS...``."""
    return subprocess.run(
        [sys.executable, "-m", "evergraph", "run", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=cwd,
    )


def output_of(script: Path, *arguments: object) -> list[str]:
    """The lines that a program printed; it has to end well and say nothing on standard error."""
    done = evergraph_run(script, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()
