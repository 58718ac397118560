"""Every parser on its examples and some hundred changes of them, the same each time. `python -m fuzz` goes on."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest

from fuzz.__main__ import CORPUS
from fuzz.mutate import mutate
from fuzz.properties import Target, Violation, check
from fuzz.targets import TARGETS

CHANGES = 150


@pytest.fixture(autouse=True)
def _quiet():
    """What damaged files are warned of is not looked at."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _examples(target: Target) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / target.corpus).iterdir())]


@pytest.mark.parametrize("name", TARGETS)
def test_parser(name: str) -> None:
    target = TARGETS[name]
    examples = _examples(target)
    chance = random.Random(name)
    for data in examples:
        check(target, data)
    for number in range(CHANGES):
        changed = mutate(chance.choice(examples), examples, number, target.largest)
        check(target, target.repair(changed, number))


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "any_file"])
def test_examples_are_read(name: str) -> None:
    """Fuzzing begins with files that are whole: a parser that refuses everything would pass it."""
    target = TARGETS[name]
    for data in _examples(target):
        if name == "state":
            continue  # The checkpoints that they name are not there.
        target.run(data)


def test_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 200_000


def test_properties_can_fail() -> None:
    """What breaks a property is told."""

    def breaks(data: bytes) -> None:
        raise KeyError(data)

    def takes_much(data: bytes) -> None:
        bytearray(64 << 20)

    with pytest.raises(Violation, match="raises KeyError"):
        check(Target("breaks", breaks), b"x")
    check(Target("breaks", breaks, (KeyError,)), b"x")
    with pytest.raises(Violation, match="takes 67"):
        check(Target("takes_much", takes_much), b"x")


def test_repair_gets_past_checksums(tmp_path: Path) -> None:
    """Of changed tables, most pass their checksums once repaired."""
    target = TARGETS["table"]
    examples = _examples(target)
    passed = 0
    for number in range(100):
        data = target.repair(mutate(examples[1], examples, 2 * number, target.largest), 2 * number)
        try:
            target.run(data)
        except Exception as error:
            passed += "checksum" not in str(error) and "magic" not in str(error)
        else:
            passed += 1
    assert passed > 50
