"""The random numbers of TensorFlow 2.15's CPU kernels: the same seeds, the same numbers.

A stateful random op owns a `PhiloxStream`, made from its attributes `seed` and `seed2`. A run draws
from where the previous one stopped, and stops further on by a fixed amount that depends on how much
was drawn, not on how many blocks that took; this is why the amounts reserved below (256 blocks for
every number) are part of the format, so to say.

Stateless ops have no state: `stateless_stream(seed)` is a stream for one draw. The newer spelling
of these ops passes the seed's key and counter (`key_counter`) along as tensors: `stream_at(key,
counter)`.

Uniform, integer, shuffle and multinomial draws equal TensorFlow's bit by bit, normal ones to the
last bit or the one before it (`philox_draws`); gamma and Poisson draws to about 1e-14
(`philox_rejection`).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evergraph.errors import InvalidArgumentError
from evergraph.ops import philox_draws, philox_rejection, philox_truncated
from evergraph.ops.philox_bits import Philox
from evergraph.ops.philox_draws import Array

# The algorithm id of Philox among the inputs of stateless ops, and the id that leaves the choice to
# the kernel.
ALGORITHM_PHILOX = 1
ALGORITHM_AUTO_SELECT = 3

_BLOCKS_PER_NUMBER = 256
_TRUNCATED_BATCH = 100


class PhiloxStream:
    """The random state of one op. Threads may share it: each draw reserves its part of the stream.

    Args:
        seed, seed2: the op's attributes, 64-bit integers. Both 0 mean "no seed": fresh ones from
            the operating system.
    """

    def __init__(self, seed: int = 0, seed2: int = 0) -> None:
        if seed == 0 and seed2 == 0:
            seed, seed2 = secrets.randbits(64), secrets.randbits(64)
        self._next = Philox.from_seeds(seed, seed2)
        self._lock = threading.Lock()

    @classmethod
    def starting_at(cls, place: Philox) -> PhiloxStream:
        """A stream that begins at a given place."""
        stream = cls.__new__(cls)
        stream._next = place
        stream._lock = threading.Lock()
        return stream

    def uniform(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """RandomUniform: numbers in [0, 1), dtype half, bfloat16, float or double."""
        count = _size(shape)
        return philox_draws.uniform(self._reserve_numbers(count), count, dtype).reshape(shape)

    def uniform_int(
        self, shape: Sequence[int], minval: int, maxval: int, dtype: npt.DTypeLike
    ) -> Array:
        """RandomUniformInt: integers in [minval, maxval), dtype int32 or int64.

        Raises:
            InvalidArgumentError: `minval >= maxval`, unless nothing is drawn.
        """
        count = _size(shape)
        if count == 0:
            return np.empty(shape, dtype)
        if minval >= maxval:
            raise InvalidArgumentError(
                None, None, f"Need minval < maxval, got {minval} >= {maxval}"
            )
        at = self._reserve_numbers(count)
        low, high = int(minval), int(maxval)
        return philox_draws.uniform_int(at, count, low, high, dtype).reshape(shape)

    def uniform_full_int(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """StatelessRandomUniformFullInt: any value of int32, int64, uint32 or uint64."""
        count = _size(shape)
        return philox_draws.full_int(self._reserve_numbers(count), count, dtype).reshape(shape)

    def standard_normal(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """RandomStandardNormal: mean 0, deviation 1, dtype half, bfloat16, float or double."""
        count = _size(shape)
        at = self._reserve_numbers(count)
        return philox_draws.standard_normal(at, count, dtype).reshape(shape)

    def truncated_normal(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """TruncatedNormal: as `standard_normal`, within two deviations."""
        count = _size(shape)
        at = self._reserve_numbers(count)
        return philox_draws.truncated_normal(at, count, dtype).reshape(shape)

    def parameterized_truncated_normal(
        self,
        shape: Sequence[int],
        means: npt.ArrayLike,
        stddevs: npt.ArrayLike,
        minvals: npt.ArrayLike,
        maxvals: npt.ArrayLike,
        dtype: npt.DTypeLike,
    ) -> Array:
        """ParameterizedTruncatedNormal: a truncated normal distribution for each row.

        The parameters are scalars, or vectors of length 1 or `shape[0]`.

        Raises:
            InvalidArgumentError: an empty `shape`, parameters of another shape, or ones that
                describe no distribution.
            InternalError: the bounds are so far out that nothing is accepted.
        """
        if len(shape) == 0:
            raise InvalidArgumentError(None, None, "Shape tensor must not be empty, got []")
        given = [np.asarray(p, dtype) for p in (means, stddevs, minvals, maxvals)]
        count = _size(shape)
        batches, per_batch = shape[0], _size(shape[1:])
        mean, stddev, minval, maxval = given
        if mean.size == stddev.size == 1 and minval.ndim == maxval.ndim == 0:
            batches, per_batch = -(-count // _TRUNCATED_BATCH), _TRUNCATED_BATCH
        for name, p in zip(("means", "stddevs", "minvals", "maxvals"), given, strict=True):
            if p.ndim > 1 or p.size not in (1, batches):
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Input {name} should be a scalar or a vector of length 1 or shape[0] "
                    f"({shape[0]}); its shape is {list(p.shape)}",
                )
        at = self._reserve(_truncated_reserve(batches, per_batch))
        flat = (mean.reshape(-1), stddev.reshape(-1), minval.reshape(-1), maxval.reshape(-1))
        drawn = philox_truncated.parameterized_truncated_normal(at, count, per_batch, flat)
        return drawn.reshape(shape)

    def shuffle(self, value: Array) -> Array:
        """RandomShuffle: the rows of `value` (any dtype) in random order, as a new array."""
        if value.size <= 1 or value.shape[0] <= 1:
            return np.array(value)
        rows = value.shape[0]
        at = self._reserve((rows - 1 + 3) // 4)
        shuffled: Array = value[philox_draws.permutation(at, rows)]
        return shuffled

    def multinomial(self, logits: Array, num_samples: int, dtype: npt.DTypeLike) -> Array:
        """Multinomial: classes, drawn for each row of `logits` in proportion to exp(logits).

        Returns: indices [batch, num_samples], int32 or int64.

        Raises:
            InvalidArgumentError: `logits` is no matrix or has no columns, or `num_samples` is
                negative.
        """
        if logits.ndim != 2:
            raise InvalidArgumentError(
                None, None, f"logits should be a matrix, got shape {list(logits.shape)}"
            )
        if num_samples < 0:
            raise InvalidArgumentError(
                None, None, f"num_samples should be nonnegative, got {num_samples}"
            )
        batch, classes = logits.shape
        if classes == 0:
            raise InvalidArgumentError(None, None, "num_classes should be positive, got 0")
        if batch == 0 or num_samples == 0:
            return np.empty((batch, num_samples), dtype)
        at = self._reserve_numbers(batch * (-(-num_samples // 4) * 4) * 2)
        return philox_draws.multinomial(at, logits, num_samples, dtype)

    def gamma(self, shape: Sequence[int], alpha: Array) -> Array:
        """RandomGamma: an array of `shape` for each alpha; the result has shape + alpha's shape.

        The dtype is alpha's: half, float or double.
        """
        samples = _size(shape)
        at = self._reserve_numbers(samples * alpha.size)
        drawn = philox_rejection.gamma(at, alpha.reshape(-1), samples)
        return drawn.reshape((*shape, *alpha.shape))

    def poisson(self, shape: Sequence[int], rate: Array, dtype: npt.DTypeLike) -> Array:
        """RandomPoissonV2: an array of `shape` for each rate; the result has shape + rate's shape.

        Raises:
            InvalidArgumentError: a rate is NaN, or so large that nothing drawn fits `dtype`.
        """
        samples = _size(shape)
        at = self._reserve_numbers(samples * rate.size)
        drawn = philox_rejection.poisson(at, rate.reshape(-1), samples, dtype)
        return drawn.reshape((*shape, *rate.shape))

    def _reserve_numbers(self, numbers: int) -> Philox:
        return self._reserve(numbers * _BLOCKS_PER_NUMBER)

    def _reserve(self, blocks: int) -> Philox:
        with self._lock:
            place = self._next
            self._next = place.skip(blocks)
        return place


def stateless_stream(seed: Sequence[int]) -> PhiloxStream:
    """The stream of one draw of a stateless op with this `seed` (two integers)."""
    seed0, seed1 = seed
    return PhiloxStream.starting_at(Philox.from_stateless_seed(int(seed0), int(seed1)))


def stream_at(key: npt.ArrayLike, counter: npt.ArrayLike) -> PhiloxStream:
    """The stream of one draw of a V2 stateless op: `key` [1], `counter` [2], lower half first."""
    (key_word,) = np.asarray(key, np.uint64).tolist()
    low, high = np.asarray(counter, np.uint64).tolist()
    return PhiloxStream.starting_at(Philox(key_word, low | high << 64))


def key_counter(seed: Sequence[int]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """StatelessRandomGetKeyCounter: the key [1] and counter [2] where this seed's stream starts."""
    seed0, seed1 = seed
    place = Philox.from_stateless_seed(int(seed0), int(seed1))
    counter = [place.counter & 0xFFFFFFFFFFFFFFFF, place.counter >> 64]
    return np.array([place.key], np.uint64), np.array(counter, np.uint64)


def _size(shape: Sequence[int]) -> int:
    """How many elements a shape has. Negative dimensions are refused."""
    size = 1
    for dimension in shape:
        if dimension < 0:
            raise InvalidArgumentError(
                None, None, f"Dimension {dimension} must be >= 0 in the drawn shape {list(shape)}"
            )
        size *= int(dimension)
    return size


def _truncated_reserve(batches: int, per_batch: int) -> int:
    """What ParameterizedTruncatedNormal reserves.

    TensorFlow computes it in signed 32 bits, which overflow above a million numbers, and skips by
    the result as an unsigned 64-bit number.
    """
    product = batches * 2 * philox_truncated.MOST_ITERATIONS * (per_batch + 3)
    wrapped = (product + 2**31) % 2**32 - 2**31
    quarter = wrapped // 4 if wrapped >= 0 else -(-wrapped // 4)
    return quarter % 2**64
