"""Distributions over Philox blocks in which the place of every drawn number is known beforehand.

Each function draws `count` numbers starting at a `Philox` place and returns them as a vector. What
a block (four words w0..w3) becomes, as in TensorFlow's CPU kernels:

- uniform: one word each; its low 10 bits (half), 7 bits (bfloat16) or 23 bits (float) are the
  fraction of a number in [1, 2), minus 1. Double: the low 20 bits of w0 above the 32 bits of w1 are
  the fraction; then w2 and w3.
- integer: low + w % (high - low) in 32 bits; in 64 bits with w = w0 | w1 << 32, then w2 and w3.
- normal: Box-Muller on (w0, w1) and on (w2, w3), rounded to half or bfloat16 at the end. Double: on
  the pairs (w0 w1, w2 w3).
- truncated normal: four numbers (double: two) share a region of 64 blocks each; the first normal
  numbers of the region that lie within two deviations are taken.

Bits become uniform and integer numbers exactly. TensorFlow computes Box-Muller in float with the C
library's logf and sincosf; here the functions are computed in float64 and rounded at the same
places, which agrees to the last bit or the one before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from evergraph.errors import InvalidArgumentError
from evergraph.ops.philox_bits import CHUNK_BLOCKS, Philox, Words

Array = npt.NDArray[Any]

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOAT16 = np.dtype(np.float16)
FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)

_SMALLEST_LOG_ARGUMENT = 1.0e-7
_TRUNCATE_AT = 2.0
# A number of variable cost owns this many words, so that where it starts does not depend on what
# came before it.
_RESERVED_WORDS = 256


def uniform(at: Philox, count: int, dtype: npt.DTypeLike) -> Array:
    """Numbers in [0, 1): half, bfloat16, float or double."""
    convert, per_block = _real_conversion(_UNIFORM, "uniform", dtype)
    return _fill(at, count, np.dtype(dtype), per_block, convert)


def standard_normal(at: Philox, count: int, dtype: npt.DTypeLike) -> Array:
    """Normal numbers of mean 0 and deviation 1: half, bfloat16, float or double."""
    convert, per_block = _real_conversion(_NORMAL, "normal", dtype)
    return _fill(at, count, np.dtype(dtype), per_block, convert)


def uniform_int(at: Philox, count: int, low: int, high: int, dtype: npt.DTypeLike) -> Array:
    """Integers in [low, high), int32 or int64. The caller has checked that `low < high`."""
    dtype = np.dtype(dtype)
    unsigned = _unsigned(dtype)
    span = unsigned.type(high - low)
    base = np.array(low, dtype).view(unsigned)

    def convert(words: Words) -> Array:
        # The sum wraps around as the unsigned numbers that it is made of; its bits are those of the
        # signed result.
        bits: Array = _integers(words, unsigned) % span + base
        return bits.view(dtype)

    return _fill(at, count, dtype, 16 // dtype.itemsize, convert)


def full_int(at: Philox, count: int, dtype: npt.DTypeLike) -> Array:
    """Integers over the whole range of int32, int64, uint32 or uint64."""
    dtype = np.dtype(dtype)
    unsigned = _unsigned(dtype)
    return _fill(
        at, count, dtype, 16 // dtype.itemsize, lambda words: _integers(words, unsigned).view(dtype)
    )


def truncated_normal(at: Philox, count: int, dtype: npt.DTypeLike) -> Array:
    """Normal numbers within two deviations, others being drawn again; dtypes as for `uniform`."""
    convert, per_block = _real_conversion(_NORMAL, "truncated normal", dtype)
    dtype = np.dtype(dtype)
    blocks_per_region = per_block * _RESERVED_WORDS // 4
    out = np.empty(count, dtype)
    regions = -(-count // per_block)
    for first in range(0, regions, CHUNK_BLOCKS):
        starts = np.arange(first, min(first + CHUNK_BLOCKS, regions), dtype=np.uint64)
        values = _truncated_regions(at, starts * np.uint64(blocks_per_region), per_block, convert)
        begin = first * per_block
        out[begin : begin + values.size] = values.reshape(-1)[: count - begin]
    return out


def permutation(at: Philox, size: int) -> npt.NDArray[np.int64]:
    """A random order of range(size): each place in turn is swapped with a later one (or itself)."""
    words = at.words(-(-size // 4)).reshape(-1)[: max(size - 1, 0)].astype(np.int64)
    here = np.arange(len(words), dtype=np.int64)
    order = list(range(size))
    for i, j in enumerate((here + words % (size - here)).tolist()):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def multinomial(at: Philox, logits: Array, num_samples: int, dtype: npt.DTypeLike) -> Array:
    """Class indices [batch, num_samples], in proportion to exp(logits), [batch, classes].

    Each draw inverts the cumulative weights, summed in float64, with one double. Classes with an
    infinite or NaN logit are never drawn; where no class is left the index is the number of
    classes, as in TensorFlow. TensorFlow starts the stream anew at every row where a thread starts;
    these are the numbers of one thread, so one stream over all rows.
    """
    batch = len(logits)
    draws = uniform(at, batch * num_samples, np.float64).reshape(batch, num_samples)
    cumulative = np.cumsum(_class_weights(logits), axis=1)
    sought = draws * cumulative[:, -1:]
    out = np.empty((batch, num_samples), dtype)
    for row in range(batch):
        out[row] = np.searchsorted(cumulative[row], sought[row], side="right")
    return out


def uniform_double(high: Words, low: Words) -> npt.NDArray[np.float64]:
    """Doubles in [0, 1) from two words each."""
    fraction = (high & np.uint32(0xFFFFF)).astype(np.uint64) << np.uint64(32)
    fraction |= low
    fraction |= np.uint64(1023 << 52)
    values: npt.NDArray[np.float64] = fraction.view(np.float64)
    values -= 1.0
    return values


def normal_double(words: Words) -> npt.NDArray[np.float64]:
    """Two doubles a block, shape [blocks, 2]."""
    out = np.empty((len(words), 2))
    radius = uniform_double(words[:, 0], words[:, 1])
    np.maximum(radius, _SMALLEST_LOG_ARGUMENT, out=radius)
    np.sqrt(-2.0 * np.log(radius), out=radius)
    angle = uniform_double(words[:, 2], words[:, 3])
    angle *= 2.0 * np.pi
    np.multiply(np.sin(angle), radius, out=out[:, 0])
    np.multiply(np.cos(angle), radius, out=out[:, 1])
    return out


def _normal_float(words: Words) -> npt.NDArray[np.float32]:
    """Four floats a block, [blocks, 4]; rounded to float wherever TensorFlow holds a float."""
    fractions = _uniform_float(words)
    out = np.empty(words.shape, np.float32)
    radius = np.maximum(fractions[:, 0::2], np.float32(_SMALLEST_LOG_ARGUMENT)).astype(np.float64)
    logarithm = np.log(radius).astype(np.float32)
    radius_float = np.sqrt(np.float32(-2.0) * logarithm)
    angle = (2.0 * np.pi * fractions[:, 1::2].astype(np.float64)).astype(np.float32)
    exact_angle = angle.astype(np.float64)
    np.multiply(np.sin(exact_angle).astype(np.float32), radius_float, out=out[:, 0::2])
    np.multiply(np.cos(exact_angle).astype(np.float32), radius_float, out=out[:, 1::2])
    return out


def _uniform_float(words: Words) -> npt.NDArray[np.float32]:
    fraction = words & np.uint32(0x7FFFFF)
    fraction |= np.uint32(127 << 23)
    values: npt.NDArray[np.float32] = fraction.view(np.float32)
    values -= np.float32(1.0)
    return values


def _uniform_half(words: Words) -> Array:
    fraction = (words & np.uint32(0x3FF)).astype(np.float32)
    values: Array = (fraction * np.float32(2.0**-10)).astype(np.float16)
    return values


def _uniform_bfloat16(words: Words) -> Array:
    fraction = (words & np.uint32(0x7F)).astype(np.float32)
    values: Array = (fraction * np.float32(2.0**-7)).astype(BFLOAT16)
    return values


def _uniform_double_block(words: Words) -> Array:
    return uniform_double(words[:, 0::2], words[:, 1::2])


_Conversion = Callable[[Words], Array]
_UNIFORM: dict[np.dtype[Any], _Conversion] = {
    FLOAT16: _uniform_half,
    BFLOAT16: _uniform_bfloat16,
    FLOAT32: _uniform_float,
    FLOAT64: _uniform_double_block,
}
_NORMAL: dict[np.dtype[Any], _Conversion] = {
    FLOAT16: _normal_float,
    BFLOAT16: _normal_float,
    FLOAT32: _normal_float,
    FLOAT64: normal_double,
}


def _real_conversion(
    table: dict[np.dtype[Any], _Conversion], what: str, dtype: npt.DTypeLike
) -> tuple[_Conversion, int]:
    """How a block becomes numbers of this dtype, and how many."""
    dtype = np.dtype(dtype)
    if dtype not in table:
        raise InvalidArgumentError(
            None, None, f"A {what} draw is half, bfloat16, float or double; asked for {dtype.name}."
        )
    return table[dtype], 2 if dtype == FLOAT64 else 4


def _unsigned(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The unsigned dtype of this integer dtype's width."""
    if dtype.kind not in "iu" or dtype.itemsize not in (4, 8):
        raise InvalidArgumentError(
            None, None, f"An integer draw has 32 or 64 bits; asked for {dtype.name}."
        )
    return np.dtype(f"u{dtype.itemsize}")


def _integers(words: Words, unsigned: np.dtype[Any]) -> Array:
    if unsigned.itemsize == 4:
        return words
    bits: Array = words[:, 1::2].astype(np.uint64) << np.uint64(32)
    bits |= words[:, 0::2]
    return bits


def _fill(
    at: Philox, count: int, dtype: np.dtype[Any], per_block: int, convert: _Conversion
) -> Array:
    """`count` numbers, `per_block` from each block from `at` on; of the last, as many as needed."""
    out = np.empty(count, dtype)
    for first, words in at.chunks(-(-count // per_block)):
        begin = first * per_block
        values = convert(words).reshape(-1)
        out[begin : begin + values.size] = values[: count - begin]
    return out


def _truncated_regions(
    at: Philox, starts: npt.NDArray[np.uint64], wanted: int, convert: _Conversion
) -> Array:
    """For each region the first `wanted` normals that lie within the cut, shape [regions, wanted].

    One block of every region that is not full yet at a time: nine of ten are full after the first
    or second.
    """
    out = np.empty((len(starts), wanted), FLOAT64 if wanted == 2 else FLOAT32)
    taken = np.zeros(len(starts), np.int64)
    pending = np.arange(len(starts))
    step = np.uint64(0)
    while len(pending):
        values = convert(at.words_at(starts[pending] + step))
        step += np.uint64(1)
        accepted = np.abs(values) < _TRUNCATE_AT
        place = taken[pending, None] + np.cumsum(accepted, axis=1) - 1
        row, column = np.nonzero(accepted & (place < wanted))
        out[pending[row], place[row, column]] = values[row, column]
        taken[pending] += accepted.sum(axis=1)
        pending = pending[taken[pending] < wanted]
    return out


def _class_weights(logits: Array) -> npt.NDArray[np.float64]:
    """exp(logit - largest logit of the row) in float64, 0 where a logit is not finite."""
    wide = logits.astype(np.float64)
    finite = np.isfinite(wide)
    largest = np.max(wide, axis=1, keepdims=True, initial=-np.inf, where=finite)
    exponents = np.full_like(wide, -np.inf)
    # Two doubles may be further apart than a double can say: -inf, weight 0.
    with np.errstate(over="ignore"):
        np.subtract(wide, largest, out=exponents, where=finite)
    weights: npt.NDArray[np.float64] = np.exp(exponents)
    return weights
