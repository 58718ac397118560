"""Philox4x32-10: the counter-based generator behind every random op.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11). A *block* is
four 32-bit words, a pure function of a 64-bit key and a 128-bit counter::

    (c0, c1, c2, c3) -> (hi(B*c2) ^ c1 ^ k0,  lo(B*c2),  hi(A*c0) ^ c3 ^ k1,  lo(A*c0))

ten times over, with k0 += 0x9E3779B9 and k1 += 0xBB67AE85 between the rounds.

TensorFlow lays a stateful op's attributes out as key = `seed`, counter = `seed2` in the upper 64
bits, and counts blocks upwards from there. Being a function of the counter, any part of a stream is
computed without what came before: all of this module works on whole arrays of counters at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

_MULTIPLIER_A = np.uint64(0xD2511F53)
_MULTIPLIER_B = np.uint64(0xCD9E8D57)
_KEY_STEP_0 = 0x9E3779B9
_KEY_STEP_1 = 0xBB67AE85
_ROUNDS = 10

_LOW_32 = 0xFFFFFFFF
_LOW_64 = 0xFFFFFFFFFFFFFFFF
_LOW_128 = (1 << 128) - 1
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(_LOW_32)

# The work arrays, six 64-bit numbers a block, stay within a second-level cache at this many blocks.
CHUNK_BLOCKS = 8192

# The fixed key under which TensorFlow's stateless ops scramble the seed that they are given.
_SCRAMBLE_KEY = 0x02461E29_3EC8F720


@dataclass(frozen=True)
class Philox:
    """A place in one stream of blocks. `key` has 64 bits, `counter` 128."""

    key: int
    counter: int

    @classmethod
    def from_seeds(cls, seed: int, seed2: int) -> Philox:
        """The start of the stream of a stateful op with these attributes, signed 64-bit numbers."""
        return cls(seed & _LOW_64, (seed2 & _LOW_64) << 64)

    @classmethod
    def from_stateless_seed(cls, seed0: int, seed1: int) -> Philox:
        """The start of the stream of a stateless op: key and counter mixed from its two seeds."""
        mixed = cls(_SCRAMBLE_KEY, (seed0 & _LOW_64) | (seed1 & _LOW_64) << 64).words(1)[0]
        w0, w1, w2, w3 = (int(word) for word in mixed)
        return cls(w0 | w1 << 32, (w2 | w3 << 32) << 64)

    def skip(self, blocks: int) -> Philox:
        """The place `blocks` (an unsigned 64-bit number) further on."""
        low = (self.counter & _LOW_32) + (blocks & _LOW_32)
        # TensorFlow keeps the sum in 32 bits: from a count above 2**64 - 2**32 the carry is lost.
        high = ((blocks >> 32) + (low >> 32)) & _LOW_32
        return Philox(self.key, (((self.counter >> 32) + high) << 32 | (low & _LOW_32)) & _LOW_128)

    def words(self, blocks: int) -> Words:
        """The next `blocks` blocks, shape [blocks, 4]."""
        return self.words_at(np.arange(blocks, dtype=np.uint64))

    def chunks(self, blocks: int) -> Iterator[tuple[int, Words]]:
        """The next `blocks` blocks in pieces that suit the cache: (index of the first, words)."""
        for start in range(0, blocks, CHUNK_BLOCKS):
            stop = min(start + CHUNK_BLOCKS, blocks)
            yield start, self.words_at(np.arange(start, stop, dtype=np.uint64))

    def words_at(self, offsets: npt.NDArray[np.uint64]) -> Words:
        """The blocks at `offsets` (a vector) from here, shape [len(offsets), 4]."""
        low = offsets + np.uint64(self.counter & _LOW_64)
        carry = low < offsets
        high = carry.astype(np.uint64) + np.uint64(self.counter >> 64)
        return _encrypt(low, high, self.key)


def _encrypt(low: npt.NDArray[np.uint64], high: npt.NDArray[np.uint64], key: int) -> Words:
    """The blocks of the counters with these lower and upper halves."""
    # Every 64-bit lane holds a 32-bit word, so that a product has room.
    c0, c1 = low & _LOW_HALF, low >> _HALF
    c2, c3 = high & _LOW_HALF, high >> _HALF
    product_a, product_b = np.empty_like(c0), np.empty_like(c0)
    k0, k1 = key & _LOW_32, key >> 32
    for _ in range(_ROUNDS):
        np.multiply(c0, _MULTIPLIER_A, out=product_a)
        np.multiply(c2, _MULTIPLIER_B, out=product_b)
        np.right_shift(product_b, _HALF, out=c0)
        np.bitwise_xor(c0, c1, out=c0)
        np.bitwise_xor(c0, np.uint64(k0), out=c0)
        np.right_shift(product_a, _HALF, out=c2)
        np.bitwise_xor(c2, c3, out=c2)
        np.bitwise_xor(c2, np.uint64(k1), out=c2)
        np.bitwise_and(product_b, _LOW_HALF, out=c1)
        np.bitwise_and(product_a, _LOW_HALF, out=c3)
        k0 = (k0 + _KEY_STEP_0) & _LOW_32
        k1 = (k1 + _KEY_STEP_1) & _LOW_32
    words = np.empty((len(low), 4), np.uint32)
    for column, lane in enumerate((c0, c1, c2, c3)):
        words[:, column] = lane
    return words
