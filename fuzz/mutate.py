"""Random changes of bytes, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

#: Numbers at which parsers break: the ends of what fits, as varints and as fixed numbers.
_TELLING = (
    b"\x00",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\xff\xff\xff\x07",
    b"\xff\xff\xff\xff\x0f",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x00\x00\x00\x00\x80",
)


def mutate(data: bytes, others: Sequence[bytes], seed: int, largest: int) -> bytes:
    """``data`` with some changes; pieces of ``others`` are among what is put in."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        place = chance.randrange(len(changed) + 1)
        kind = chance.randrange(7)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 1 and place < len(changed):
            changed[place] = chance.randrange(256)
        elif kind == 2:
            telling = chance.choice(_TELLING)
            overwritten = len(telling) if chance.random() < 0.5 else chance.randrange(2)
            changed[place : place + overwritten] = telling
        elif kind == 3:
            del changed[place : place + chance.randrange(1, 17)]
        elif kind == 4:
            length = chance.randrange(1, 65)
            source = chance.randrange(len(changed) + 1)
            changed[place:place] = changed[source : source + length]
        elif kind == 5 and others:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            changed[place:place] = other[start : start + chance.randrange(1, 257)]
        else:
            del changed[place:]
    return bytes(changed[:largest])
