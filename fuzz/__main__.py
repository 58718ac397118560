"""`python -m fuzz TARGET --seconds N`: see the package's documentation."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
#: What was found: inputs that broke a property, and those that reached new code.
FOUND = Path("fuzz-found")
#: What a process may take, protobuf's memory included.
MOST_MEGABYTES = 4096
#: An input that takes longer hangs.
HANGS_SECONDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description="Fuzzes the parsers of evergraph."
    )
    parser.add_argument("target", help="all, or one of fuzz/targets.py")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of random changes, without atheris")
    parser.add_argument("--input", type=Path, help="try this file only")
    arguments = parser.parse_args()
    atheris: Any = None
    if find_spec("atheris") is not None and arguments.target != "all":
        atheris = import_module("atheris")
        with atheris.instrument_imports(include=["evergraph"], enable_loader_override=False):
            targets = import_module("fuzz.targets").TARGETS
    else:
        targets = import_module("fuzz.targets").TARGETS
    if arguments.target == "all":
        return _all(targets, arguments.seconds, arguments.seed)
    if arguments.target not in targets:
        parser.error(f"no target {arguments.target}: there are all, {', '.join(targets)}")
    target = targets[arguments.target]
    if arguments.input is not None:
        import_module("fuzz.properties").check(target, arguments.input.read_bytes())
        return 0
    if atheris is not None:
        _guided(atheris, target, arguments.seconds)
    print(f"{target.name}: atheris is not installed, so changes are random and not guided.")
    return _by_chance(target, arguments.seconds, arguments.seed)


def _all(targets: Any, seconds: int, seed: int) -> int:
    """Each target in a process of its own: one that dies takes no other with it."""
    failed = []
    for name in targets:
        command = [sys.executable, "-m", "fuzz", name, f"--seconds={seconds}", f"--seed={seed}"]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(f"{len(targets)} targets, failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _by_chance(target: Any, seconds: int, seed: int) -> int:
    from fuzz.mutate import mutate
    from fuzz.properties import Violation, check, keep, stop_hangs

    corpus = [path.read_bytes() for path in sorted((CORPUS / target.corpus).iterdir())]
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        number = chance.getrandbits(62)
        data = mutate(chance.choice(corpus), corpus, number, target.largest)
        data = target.repair(data, number)
        stop_hangs(HANGS_SECONDS)
        try:
            check(target, data)
        except Violation as violation:
            print(f"{violation}\nThe input is {keep(target, data, FOUND)}")
            raise
        tried += 1
    print(f"{target.name}: {tried} inputs in {seconds} s, all as they should be")
    return 0


def _guided(atheris: Any, target: Any, seconds: int) -> None:
    """libFuzzer runs, and ends the process: with 0 if nothing was found."""
    from fuzz.properties import check

    reached = FOUND / "reached" / target.name
    reached.mkdir(parents=True, exist_ok=True)

    def changed(data: bytes, largest: int, seed: int) -> bytes:
        repaired: bytes = target.repair(atheris.Mutate(data, largest), seed)
        return repaired[:largest]

    atheris.Setup(
        [
            "fuzz",
            f"-max_total_time={seconds}",
            f"-max_len={target.largest}",
            f"-timeout={HANGS_SECONDS}",
            f"-rss_limit_mb={MOST_MEGABYTES}",
            f"-artifact_prefix={FOUND}/{target.name}-",
            str(reached),
            str(CORPUS / target.corpus),
        ],
        lambda data: check(target, data),
        custom_mutator=changed,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
