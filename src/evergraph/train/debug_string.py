"""What a checkpoint holds as text, byte for byte as TensorFlow's ``CheckpointReader::DebugString``.

A line for each stored tensor: ``name (DT_FLOAT) [2,3]``. Format V2 lists the index in its order; the slices of a
partitioned variable stand there by their keys, which are not text. Format V1 lists tensors (``..., 5 slices``) in the
order of the hash table that TensorFlow keeps them in (`ops.table_order`). (Of several shards TensorFlow reads first
what the disk lists first; here they are read in their order.)
"""

from __future__ import annotations

from collections.abc import Iterator
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
    # Only here: a reader of checkpoints has no need of operations.
    from evergraph.ops.table_order import KeyOrder, library_hashes_of

    order = KeyOrder(library_hashes_of)
    with TensorSliceReader(prefix) as reader:
        stored = reader.keys()
        for key in stored:
            order.add(key)
        listed = order.keys()
        infos = ((key, reader.info(decode_name(key))) for key in listed)
        return b"".join(_line(key, info.dtype, info.shape, len(info.slices)) for key, info in infos)


def _line(name: bytes, dtype: DType, shape: tuple[int, ...], slices: int = 1) -> bytes:
    number = f", {slices} slices" if slices > 1 else ""
    type_name = _MESSAGE_NAMES.get(dtype, dtype.name.upper())
    return name + f" (DT_{type_name}) [{','.join(map(str, shape))}]{number}\n".encode()
