"""What a checkpoint holds as text, byte for byte as TensorFlow's ``CheckpointReader::DebugString``.

A line for each stored tensor: ``name (DT_FLOAT) [2,3]``. Format V2 lists the index in its order; the slices of a
partitioned variable stand there by their keys, which are not text. Format V1 lists tensors (``..., 5 slices``) in the
order of the hash table that TensorFlow keeps them in: libstdc++'s ``std::unordered_map<std::string, ...>``. (Of
several shards TensorFlow reads first what the disk lists first; here they are read in their order.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.bundle import decode_name
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.dtypes import DType
from evergraph.formats.tensor_slices import TensorSliceReader

#: Element types whose name in a message is not that of the DType.
_MESSAGE_NAMES: Final = {
    dtypes.float16: "HALF",
    dtypes.float32: "FLOAT",
    dtypes.float64: "DOUBLE",
}


def of_v2(prefix: str) -> bytes:
    """The text of a checkpoint of format V2. Raises NotFoundError, DataLossError."""
    with BundleReader(prefix) as bundle:
        return b"".join(_lines_of_v2(bundle))


def _lines_of_v2(bundle: BundleReader) -> Iterator[bytes]:
    for key, entry in bundle.entries():
        if entry.slices:
            continue
        try:
            dtype = DType(entry.dtype)
        except TypeError as error:
            raise errors.DataLossError(
                None,
                None,
                f"{bundle.prefix}.index has a damaged entry for tensor {decode_name(key)!r}: {error}",
            ) from None
        yield _line(key, dtype, entry.shape)


def of_v1(prefix: str) -> bytes:
    """The text of a checkpoint of format V1. Raises NotFoundError, DataLossError."""
    with TensorSliceReader(prefix) as reader:
        infos = ((key, reader.info(decode_name(key))) for key in _hash_order(reader.keys()))
        return b"".join(_line(key, info.dtype, info.shape, len(info.slices)) for key, info in infos)


def _line(name: bytes, dtype: DType, shape: tuple[int, ...], slices: int = 1) -> bytes:
    number = f", {slices} slices" if slices > 1 else ""
    type_name = _MESSAGE_NAMES.get(dtype, dtype.name.upper())
    return name + f" (DT_{type_name}) [{','.join(map(str, shape))}]{number}\n".encode()


# ---------------------------------------------------------------------------------- the hash table

#: How many buckets the table has, one size after the other: it grows when it has more keys than buckets.
_BUCKETS: Final = (13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061)  # fmt: skip
_SEED: Final = 0xC70F6907
_FACTOR: Final = 0xC6A4A7935BD1E995
_64_BITS: Final = (1 << 64) - 1


def _hash_order(keys: Iterable[bytes]) -> list[bytes]:
    """The order in which the table has keys that were put into it in this order.

    All keys are in one list, those of a bucket together. A new key goes to the front of its bucket, and a bucket that
    was empty to the front of the list; growing puts all keys in anew.
    """
    sizes = iter(_BUCKETS)
    size = next(sizes)
    table: dict[int, list[bytes]] = {}
    for count, key in enumerate(keys, 1):
        if count > size:
            size = next(sizes, size)
            old, table = _listed(table), {}
            for other in old:
                table.setdefault(_hash(other) % size, []).append(other)
        table.setdefault(_hash(key) % size, []).append(key)
    return _listed(table)


def _listed(table: dict[int, list[bytes]]) -> list[bytes]:
    return [key for bucket in reversed(table.values()) for key in reversed(bucket)]


def _hash(data: bytes) -> int:
    """``std::hash<std::string>``: MurmurHash64A, with the last bytes taken as libstdc++ takes them."""
    value = _SEED ^ (len(data) * _FACTOR & _64_BITS)
    for start in range(0, len(data), 8):
        word = int.from_bytes(data[start : start + 8], "little")
        if start + 8 <= len(data):
            word = _mixed(word * _FACTOR & _64_BITS) * _FACTOR & _64_BITS
        value = (value ^ word) * _FACTOR & _64_BITS
    return _mixed(_mixed(value) * _FACTOR & _64_BITS)


def _mixed(value: int) -> int:
    return value ^ (value >> 47)
