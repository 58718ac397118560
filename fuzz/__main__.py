"""`python -m fuzz TARGET --seconds N`: see the package's documentation."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from fuzz.mutate import mutate
from fuzz.properties import MOST_SECONDS, Target, Violation, check, keep, stop_hangs
from fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path("fuzz-found")
#: Where a process is not bounded already: what a parser may take at most, protobuf's memory included.
MOST_MEGABYTES = 4096


def examples(target: Target) -> list[bytes]:
    """The inputs to begin with."""
    return [path.read_bytes() for path in sorted((CORPUS / target.corpus).iterdir())]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description="Fuzzes the parsers of evergraph."
    )
    parser.add_argument("target", choices=["all", *TARGETS])
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of random changes, without atheris")
    parser.add_argument("--input", type=Path, help="try this file only")
    arguments = parser.parse_args()
    if arguments.input is not None:
        check(TARGETS[arguments.target], arguments.input.read_bytes())
        return 0
    if arguments.target == "all":
        return _all(arguments.seconds, arguments.seed)
    target = TARGETS[arguments.target]
    try:
        import atheris
    except ImportError:
        print(f"{target.name}: atheris is not installed, so changes are random and not guided.")
        return _by_chance(target, arguments.seconds, arguments.seed)
    _guided(atheris, target, arguments.seconds)
    return 0


def _all(seconds: int, seed: int) -> int:
    """Each target in a process of its own: one that dies takes no other with it."""
    failed = []
    for name in TARGETS:
        command = [sys.executable, "-m", "fuzz", name, f"--seconds={seconds}", f"--seed={seed}"]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(f"{len(TARGETS)} targets, failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _by_chance(target: Target, seconds: int, seed: int) -> int:
    corpus = examples(target)
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        number = chance.getrandbits(62)
        data = mutate(chance.choice(corpus), corpus, number, target.largest)
        data = target.repair(data, number)
        stop_hangs(int(6 * MOST_SECONDS))
        try:
            check(target, data)
        except Violation as violation:
            print(f"{violation}\nThe input is {keep(target, data, FOUND)}")
            raise
        tried += 1
    print(f"{target.name}: {tried} inputs in {seconds} s, all as they should be")
    return 0


def _guided(atheris: object, target: Target, seconds: int) -> None:
    """libFuzzer runs, and ends the process: with 0 if nothing was found."""
    fuzzer: object = atheris
    FOUND.mkdir(exist_ok=True)

    def changed(data: bytes, largest: int, seed: int) -> bytes:
        return target.repair(fuzzer.Mutate(data, largest), seed)[:largest]  # type: ignore[attr-defined]

    fuzzer.Setup(  # type: ignore[attr-defined]
        [
            "fuzz",
            f"-max_total_time={seconds}",
            f"-max_len={target.largest}",
            f"-timeout={int(6 * MOST_SECONDS)}",
            f"-rss_limit_mb={MOST_MEGABYTES}",
            f"-artifact_prefix={FOUND}/{target.name}-",
            "-print_final_stats=1",
            str(CORPUS / target.corpus),
        ],
        lambda data: check(target, data),
        custom_mutator=changed,
    )
    fuzzer.Fuzz()  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
