"""Files of records (TFRecord): a sequence of byte strings, each with checksums; event files are such files too.

::

    file:    record*, as it is, or all of it compressed as a stream of zlib or gzip (or several, one behind the other)

    record:  uint64  length of the data, little-endian
             uint32  masked CRC-32C of those eight bytes
             bytes   the data
             uint32  masked CRC-32C of the data

Source: ``tensorflow/core/lib/io/record_writer.h``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, NoReturn

from evergraph import errors
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.record_options import TFRecordOptions
from evergraph.storage.filesystem import Path, filesystem, path_text
from evergraph.storage.os_errors import storage_errors

_HEADER: Final = 12
_FOOTER: Final = 4
# Read at a time: a length that is not true costs no more memory than there are bytes.
_PIECE: Final = 1 << 20


class RecordReader(Iterator[bytes]):
    """The records of a file, one after the other.

    Args:
        path: the file.
        compression: ``""``, ``"ZLIB"`` or ``"GZIP"``.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: when it comes to a record that is damaged or cut off; the message has its offset (in a compressed
            file, that in the data before compression). The records before it have been given.

    Attributes:
        path: of the file.
        offset: where the next record begins.
    """

    def __init__(self, path: Path, compression: str = "") -> None:
        self.path = path_text(path)
        self.offset = 0
        self._file = filesystem(self.path).open(self.path, "rb")
        self._is_compressed = bool(compression)
        window_bits = zlib.MAX_WBITS + (16 if compression == "GZIP" else 0)
        self._read = _Inflater(self._file, window_bits).read if compression else self._file.read

    def __next__(self) -> bytes:
        header = self._take(_HEADER)
        if not header:
            self.close()
            raise StopIteration
        if len(header) < _HEADER:
            self._fail(f"truncated record at {self.offset}: the file ends within its head")
        if not _has_sum(header[:8], header[8:]):
            self._fail(
                f"corrupted record at {self.offset}: its length has another checksum"
                + ("" if self.offset else self._what_it_is(header))
            )
        length = int.from_bytes(header[:8], "little")
        data = self._take(length)
        footer = self._take(_FOOTER) if len(data) == length else b""
        if len(footer) < _FOOTER:
            self._fail(
                f"truncated record at {self.offset}: the file ends after {len(data)} of its "
                f"{length} bytes. What writes it has not finished, or it was cut off"
            )
        if not _has_sum(data, footer):
            self._fail(
                f"corrupted record at {self.offset}: its {length} bytes have another checksum"
            )
        self.offset += _HEADER + length + _FOOTER
        return data

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()

    def __enter__(self) -> RecordReader:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _take(self, length: int) -> bytes:
        """The next ``length`` bytes, or those that are left."""
        pieces = []
        while length > 0:
            try:
                piece = self._read(min(length, _PIECE))
            except zlib.error as error:
                self._fail(f"is damaged, or is not compressed as was said: {error}")
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _what_it_is(self, head: bytes) -> str:
        from evergraph.formats.sniff import sniff

        compressed = head.startswith(b"\x1f\x8b") or head[:2] in (
            b"\x78\x01",
            b"\x78\x9c",
            b"\x78\xda",
        )
        if compressed and not self._is_compressed:
            kind = "GZIP" if head[0] == 0x1F else "ZLIB"
            return f". It looks compressed: read it with TFRecordOptions({kind!r})"
        return f". It is {sniff(self.path).value}"

    def _fail(self, what: str) -> NoReturn:
        self.close()
        raise errors.DataLossError(None, None, f"{self.path}: {what}.")


class _Inflater:
    """Reads what zlib has compressed, a piece at a time."""

    def __init__(self, file: IO[bytes], window_bits: int) -> None:
        self._file = file
        self._window_bits = window_bits
        self._stream = zlib.decompressobj(window_bits)
        self._waiting = b""

    def read(self, length: int) -> bytes:
        """Between 1 and ``length`` bytes; none at the end of the file."""
        while True:
            if self._stream.eof:
                self._waiting = self._stream.unused_data
                self._stream = zlib.decompressobj(self._window_bits)
            self._waiting = self._waiting or self._file.read(_PIECE)
            data = self._stream.decompress(self._waiting, length)
            is_over = not self._waiting
            self._waiting = self._stream.unconsumed_tail
            if data or is_over:
                return data


class TFRecordWriter:
    """Writes records to a file, which it begins anew; for use in a ``with`` statement.

    Args:
        path: the file.
        options: None, the name of a compression, or `TFRecordOptions`.

    Raises:
        NotFoundError: its folder is not there.
        ValueError: the options are none.
    """

    def __init__(self, path: Path, options: Any = None) -> None:
        self._file: IO[bytes] | None = None
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(compression_type=options)
        self._path = path_text(path)
        self._deflater = options.deflater()
        self._file = filesystem(self._path).open(self._path, "wb")

    def write(self, record: str | bytes | bytearray | memoryview) -> None:
        """Appends a record; text as UTF-8. TypeError for anything else."""
        if isinstance(record, str):
            record = record.encode()
        elif not isinstance(record, (bytes, bytearray, memoryview)):
            raise errors.InvalidTypeError(
                None, None, f"A record is bytes (message.SerializeToString()), not {record!r}."
            )
        length = len(record).to_bytes(8, "little")
        self._put(length + _sum(length), record, _sum(record))

    def flush(self) -> None:
        """Makes what was written visible to readers."""
        if self._deflater is not None:
            self._to_file(self._deflater.flush(zlib.Z_PARTIAL_FLUSH))
        with storage_errors(self._path):
            self._open_file().flush()

    def close(self) -> None:
        """Writes what is left and closes the file. It may be called twice."""
        if self._file is None:
            return
        if self._deflater is not None:
            self._to_file(self._deflater.flush(zlib.Z_FINISH))
        file, self._file = self._file, None
        with storage_errors(self._path):
            file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Programs that forget to close it have always got their records.
        self.close()

    def _put(self, *pieces: bytes | bytearray | memoryview) -> None:
        for piece in pieces:
            self._to_file(piece if self._deflater is None else self._deflater.add(piece))

    def _to_file(self, data: bytes | bytearray | memoryview) -> None:
        file = self._open_file()
        with storage_errors(self._path):
            file.write(data)

    def _open_file(self) -> IO[bytes]:
        if self._file is None:
            raise errors.FailedPreconditionError(None, None, f"Writer is closed: {self._path}.")
        return self._file


def tf_record_iterator(path: Path, options: Any = None) -> RecordReader:
    """The records of a file, as ``bytes``; ``options`` say how it is compressed. Errors as `RecordReader`."""
    return RecordReader(path, TFRecordOptions.get_compression_type_string(options))


def _sum(data: bytes | bytearray | memoryview) -> bytes:
    return mask(crc32c(data)).to_bytes(4, "little")


def _has_sum(data: bytes, stored: bytes) -> bool:
    return _sum(data) == stored
