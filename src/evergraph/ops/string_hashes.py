"""Hashes of strings that files and graphs depend on: the same bits on every machine.

* ``fingerprint64``: FarmHash's Fingerprint64 (the function ``farmhashna::Hash64`` of github.com/google/farmhash).
* ``murmur64``: Austin Appleby's MurmurHash64A with TensorFlow's seed, what its tables sort strings by, or
  another: GNU's ``std::hash<std::string>`` is the same function with ``LIBRARY_SEED``.
* ``siphash``: SipHash-2-4 (Aumasson and Bernstein, 2012), which takes a key of 128 bits.

Strings of one length are hashed together: every step of an algorithm is one operation on arrays of 64-bit words, whose
overflow is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

#: An array of 64-bit words, one for each string.
Words = Any

_MASK = (1 << 64) - 1
_TENSORFLOW_SEED = 0xDECAFCAFFE
LIBRARY_SEED = 0xC70F6907
_MURMUR = 0xC6A4A7935BD1E995
_K0 = np.uint64(0xC3A5C85C97CB3127)
_K1 = np.uint64(0xB492B66FBE98F273)
_K2 = np.uint64(0x9AE16A3B2F90404F)
_SIP = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def murmur64(strings: Sequence[bytes], seed: int = _TENSORFLOW_SEED) -> Words:
    """MurmurHash64A of each string."""
    return _each_length(strings, lambda block: _murmur(block, seed))


def fingerprint64(strings: Sequence[bytes]) -> Words:
    """FarmHash's Fingerprint64 of each string."""
    return _each_length(strings, _farm)


def siphash(strings: Sequence[bytes], key: tuple[int, int]) -> Words:
    """SipHash-2-4 of each string under ``key``."""
    return _each_length(strings, lambda block: _sip(block, key))


class _Block:
    """Strings of one length, as rows of bytes."""

    def __init__(self, strings: Sequence[bytes], length: int) -> None:
        self.length = length
        self.rows = np.frombuffer(b"".join(strings), np.uint8).reshape(len(strings), length)

    def word(self, at: int, size: int = 8) -> Words:
        """The little-endian numbers of ``size`` bytes that begin at ``at``."""
        padded = np.zeros((len(self.rows), 8), np.uint8)
        padded[:, :size] = self.rows[:, at : at + size]
        return padded.view("<u8")[:, 0].astype(np.uint64)


def _each_length(strings: Sequence[bytes], function: Callable[[_Block], Words]) -> Words:
    result = np.empty(len(strings), np.uint64)
    for length, places in _lengths(strings):
        result[places] = function(_Block([strings[place] for place in places], length))
    return result


def _lengths(strings: Sequence[bytes]) -> Iterator[tuple[int, Any]]:
    """Each length that occurs, with where it does."""
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    order = np.argsort(lengths, kind="stable")
    found, starts = np.unique(lengths[order], return_index=True)
    for length, places in zip(found, np.split(order, starts[1:]), strict=False):
        yield int(length), places


def _left(x: Words, bits: int) -> Words:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


def _right(x: Words, bits: int) -> Words:
    return (x >> np.uint64(bits)) | (x << np.uint64(64 - bits))


def _mix(x: Words) -> Words:
    return x ^ (x >> np.uint64(47))


# ------------------------------------------------------------------------------------------- murmur


def _murmur(block: _Block, seed: int) -> Words:
    m, length = np.uint64(_MURMUR), block.length
    h = np.full(len(block.rows), seed ^ (length * _MURMUR & _MASK), np.uint64)
    whole = length - length % 8
    for at in range(0, whole, 8):
        h = (h ^ _mix(block.word(at) * m) * m) * m
    if whole < length:
        h = (h ^ block.word(whole, length - whole)) * m
    return _mix(_mix(h) * m)


# -------------------------------------------------------------------------------------------- farm


def _join(u: Words, v: Words, mul: Words) -> Words:
    a = _mix((u ^ v) * mul)
    return _mix((v ^ a) * mul) * mul


def _farm(block: _Block) -> Words:
    if block.length > 64:
        return _farm_long(block)
    mul = _K2 + np.uint64(2 * block.length)
    if block.length > 32:
        return _farm_to_64(block, mul)
    if block.length > 16:
        return _join(*_farm_ends(block, _K1, mul)[:2], mul)
    return _farm_short(block, mul)


def _farm_short(block: _Block, mul: Words) -> Words:
    length, size = np.uint64(block.length), block.length
    if size >= 8:
        a, b = block.word(0) + _K2, block.word(size - 8)
        return _join(_right(b, 37) * mul + a, (_right(a, 25) + b) * mul, mul)
    if size >= 4:
        first, last = block.word(0, 4), block.word(size - 4, 4)
        return _join(length + (first << np.uint64(3)), last, mul)
    if size:
        a, b, c = (block.word(at, 1) for at in (0, size >> 1, size - 1))
        y, z = a + (b << np.uint64(8)), length + (c << np.uint64(2))
        return _mix((y * _K2) ^ (z * _K0)) * _K2
    return np.full(len(block.rows), _K2, np.uint64)


def _farm_ends(block: _Block, first: Words, mul: Words) -> tuple[Words, Words, Words]:
    """What the first and the last 16 bytes come to: two words to join, and the first word of all."""
    a, b = block.word(0) * first, block.word(8)
    c, d = block.word(block.length - 8) * mul, block.word(block.length - 16) * _K2
    return _right(a + b, 43) + _right(c, 30) + d, a + _right(b + _K2, 18) + c, a


def _farm_to_64(block: _Block, mul: Words) -> Words:
    y, other, a = _farm_ends(block, _K2, mul)
    z = _join(y, other, mul)
    e, f = block.word(16) * mul, block.word(24)
    g = (y + block.word(block.length - 32)) * mul
    h = (z + block.word(block.length - 24)) * mul
    return _join(_right(e + f, 43) + _right(g, 30) + h, e + _right(f + a, 18) + g, mul)


def _weak(block: _Block, at: int, a: Words, b: Words) -> tuple[Words, Words]:
    w, x, y, z = (block.word(at + 8 * i) for i in range(4))
    a = a + w
    b = _right(b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + _right(a, 44) + c


def _farm_long(block: _Block) -> Words:
    nothing = np.zeros(len(block.rows), np.uint64)
    x = nothing + np.uint64(81)
    y = x * _K1 + np.uint64(113)
    z = _mix(y * _K2 + np.uint64(113)) * _K2
    x = x * _K2 + block.word(0)
    v = w = (nothing, nothing)
    end = (block.length - 1) // 64 * 64
    for at in range(0, end, 64):
        x, y, z, v, w = _farm_round(block, at, (x, y, z, v, w), _K1, np.uint64(1))
    mul = _K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    w = (w[0] + np.uint64((block.length - 1) & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = _farm_round(block, block.length - 64, (x, y, z, v, w), mul, np.uint64(9))
    return _join(
        _join(v[0], w[0], mul) + _mix(y) * _K0 + z,
        _join(v[1], w[1], mul) + x,
        mul,
    )


def _farm_round(block: _Block, at: int, state: Any, mul: Words, weight: Words) -> Any:
    """64 bytes more."""
    x, y, z, v, w = state
    x = _right(x + y + v[0] + block.word(at + 8), 37) * mul
    y = _right(y + v[1] + block.word(at + 48), 42) * mul
    x = x ^ (w[1] * weight)
    y = y + v[0] * weight + block.word(at + 40)
    z = _right(z + w[0], 33) * mul
    v = _weak(block, at, v[1] * mul, x + w[0])
    w = _weak(block, at + 32, z + w[1], y + block.word(at + 16))
    return z, y, x, v, w


# --------------------------------------------------------------------------------------------- sip


def _sip(block: _Block, key: tuple[int, int]) -> Words:
    count, length = len(block.rows), block.length
    state = [np.full(count, one ^ (key[i % 2] & _MASK), np.uint64) for i, one in enumerate(_SIP)]
    whole = length - length % 8
    for at in range(0, whole, 8):
        _sip_absorb(state, block.word(at))
    rest = block.word(whole, length - whole)
    _sip_absorb(state, rest | np.uint64((length & 0xFF) << 56))
    state[2] ^= np.uint64(0xFF)
    _sip_rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_absorb(state: list[Words], word: Words) -> None:
    state[3] ^= word
    _sip_rounds(state, 2)
    state[0] ^= word


def _sip_rounds(state: list[Words], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a, c = a + b, c + d
        b, d = _left(b, 13) ^ a, _left(d, 16) ^ c
        a = _left(a, 32)
        c, a = c + b, a + d
        b, d = _left(b, 17) ^ c, _left(d, 21) ^ a
        c = _left(c, 32)
    state[:] = a, b, c, d
