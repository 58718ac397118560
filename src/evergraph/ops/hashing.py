"""Strings and data to numbers by their hashes: buckets, fingerprints."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.attributes import to_text
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import string_hashes
from evergraph.ops.shape_rules import unchanged
from evergraph.ops.shaping import renamed

_FARM = "farmhash64"


def _buckets(function: Any, strings: Any, count: int) -> Any:
    flat = np.asarray(strings, object)
    hashes = function(flat.ravel().tolist())
    return (hashes % np.uint64(count)).astype(np.int64).reshape(flat.shape)


@op("StringToHashBucket", "string_tensor: string -> output: int64", num_buckets="int >= 1", host=True)  # fmt: skip
class StringToHashBucket:
    shape = unchanged

    def compute(xp, string_tensor, *, num_buckets):
        return _buckets(string_hashes.murmur64, string_tensor, num_buckets)

    gradient = None


@op("StringToHashBucketFast", "input: string -> output: int64", num_buckets="int >= 1", host=True)
class StringToHashBucketFast:
    shape = unchanged

    def compute(xp, input, *, num_buckets):
        return _buckets(string_hashes.fingerprint64, input, num_buckets)

    gradient = None


@op(
    "StringToHashBucketStrong",
    "input: string -> output: int64",
    num_buckets="int >= 1",
    key="list(int)",
    host=True,
)
class StringToHashBucketStrong:
    shape = unchanged

    def compute(xp, input, *, num_buckets, key):
        if len(key) != 2:
            raise errors.InvalidArgumentError(
                None, None, f"Key must have 2 elements, got {len(key)}: {list(key)}"
            )
        return _buckets(
            lambda strings: string_hashes.siphash(strings, tuple(key)), input, num_buckets
        )

    gradient = None


def string_to_hash_bucket(
    string_tensor: Any = None,
    num_buckets: Any = None,
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The strings as numbers below ``num_buckets``, by the hash of TensorFlow's first releases."""
    strings = renamed("input", input, "string_tensor", string_tensor)
    return StringToHashBucket(strings, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """The strings as numbers below ``num_buckets``, by FarmHash's Fingerprint64."""
    return StringToHashBucketFast(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_strong(
    input: Any, num_buckets: int, key: Any, name: str | None = None
) -> Tensor:
    """The strings as numbers below ``num_buckets``, by SipHash-2-4 under ``key``, two 64-bit integers.

    Who does not know the key cannot choose strings that fall into one bucket.
    """
    return StringToHashBucketStrong(input, num_buckets=num_buckets, key=key, name=name)


@op("Fingerprint", "data: T, method: string -> fingerprint: uint8", T="type", host=True)
class Fingerprint:
    def shape(c):
        data = c.shape(0)
        if data == ():
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        shapes.with_rank(c.shape(1), 0)
        method = c.value(1)
        if method is not None and to_text(np.asarray(method).item()) != _FARM:
            raise ValueError(f"Unsupported fingerprint method: {method!r}; there is {_FARM!r}")
        return (None if data is None else data[0], None if method is None else 8)

    def compute(xp, data, method):
        name = to_text(np.asarray(method).item())
        if name != _FARM:
            raise errors.InvalidArgumentError(
                None, None, f"Unsupported fingerprint method: {name!r}; there is {_FARM!r}"
            )
        rows = _rows(np.asarray(data))
        hashes = string_hashes.fingerprint64(rows).astype("<u8")
        return hashes.view(np.uint8).reshape(len(rows), 8)


def _rows(data: Any) -> list[bytes]:
    """The bytes of each row; of several strings in a row, those of their fingerprints."""
    if data.ndim == 0:
        raise errors.InvalidArgumentError(None, None, "Data must have rank at least 1, got 0")
    if data.dtype != object:
        return [np.ascontiguousarray(row).tobytes() for row in data]
    if data.size == len(data):
        return data.ravel().tolist()
    hashes = string_hashes.fingerprint64(data.ravel().tolist()).astype("<u8")
    return [row.tobytes() for row in hashes.reshape(len(data), -1)]


def fingerprint(data: Any, method: Any = _FARM, name: str | None = None) -> Tensor:
    """8 bytes for each row of ``data``, which depend on its bytes only: ``[rows, 8]`` of type uint8."""
    return Fingerprint(data, method, name=name)
