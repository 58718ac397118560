"""Event files, which TensorBoard shows: records (see `record`), each an ``Event`` message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evergraph import errors
from evergraph.formats import protos
from evergraph.formats.record import RecordReader
from evergraph.storage.filesystem import Path


def summary_iterator(path: Path) -> Iterator[Any]:
    """The ``Event`` messages of an event file, in order.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: when it comes to an event that is damaged or cut off; those before it have been given.
    """
    return _events(RecordReader(path))


def _events(records: RecordReader) -> Iterator[Any]:
    from google.protobuf.message import DecodeError

    while True:
        offset = records.offset
        record = next(records, None)
        if record is None:
            return
        try:
            event = protos.Event.FromString(record)
        except DecodeError:
            raise errors.DataLossError(
                None, None, f"{records.path}: the record at {offset} is no Event message."
            ) from None
        yield event
