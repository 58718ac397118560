"""One attack, tried in a process of its own with little memory and little time."""

from __future__ import annotations

import importlib
import pkgutil
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attacks

HERE = Path(__file__).parent
_NO_ATTACKS = {"__main__", "building", "stock", "trial", "vocabulary", "ways"}


class Outcome(NamedTuple):
    """What came of it. ``end``: ``read``, ``died (SIGABRT)``, ``hung``, or the classes of an error, from its own up."""

    end: str
    message: str
    seconds: float
    megabytes: int


def names() -> list[str]:
    """All attacks."""
    found = [module.name for module in pkgutil.iter_modules(attacks.__path__)]
    return [name for name in found if name not in _NO_ATTACKS]


def attack(name: str) -> Any:
    """The module of an attack."""
    return importlib.import_module(f"attacks.{name}")


def try_evergraph(name: str, megabytes: int = 2048, seconds: float = 60) -> Outcome:
    """Opens the files of an attack with evergraph."""
    command = [sys.executable, "-m", "attacks.ways", attack(name).WAY]
    return _try(name, command, megabytes, seconds)


def try_tensorflow(name: str, python: str, megabytes: int = 12_000, seconds: float = 40) -> Outcome:
    """Opens them with TensorFlow, whose libraries take much room alone."""
    return _try(name, [python, str(HERE / "stock.py"), attack(name).WAY], megabytes, seconds)


def _try(name: str, command: Sequence[str], megabytes: int, seconds: float) -> Outcome:
    module = attack(name)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        module.make(folder)
        victim = folder / getattr(module, "INSIDE", ".")
        began = time.monotonic()
        process = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                f'ulimit -v {megabytes << 10}; exec "$@"',
                "sh",
                *command,
                str(victim),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=HERE.parent,
        )
        hung = False
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            hung = True
            process.kill()
            output, _ = process.communicate()
        took = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    end, message = ("hung", "") if hung else _end(process.returncode, output)
    return Outcome(end, message, took, peak)


def _end(code: int, output: str) -> tuple[str, str]:
    lines = [line for line in output.splitlines() if line.strip()]
    if code < 0:
        import signal

        return f"died ({signal.Signals(-code).name})", lines[-1] if lines else ""
    for line in lines:
        if line.startswith("ERROR "):
            kind, _, message = line[6:].partition(": ")
            return kind, message
    if code == 0:
        return "read", next((line for line in lines if line.startswith("VALUE")), "")
    return "error", lines[-1] if lines else ""
