"""How a file of records is compressed: ``tf.python_io.TFRecordOptions``."""

from __future__ import annotations

import zlib
from typing import Any, ClassVar


class TFRecordCompressionType:
    """The ways to compress a file of records."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


class TFRecordOptions:
    """Compression and its settings; those that are None are as TensorFlow sets them.

    Args:
        compression_type: ``"GZIP"``, ``"ZLIB"``, ``""`` or a `TFRecordCompressionType`.
        flush_mode: zlib's, for each buffer that is compressed; default none.
        input_buffer_size: bytes that are collected before they are compressed, default 256 KiB.
        output_buffer_size: accepted; the bytes do not depend on it.
        window_bits: zlib's; default 15, for gzip 31.
        compression_level: 0 to 9.
        compression_method: zlib's.
        mem_level: 1 to 9, default 9.
        compression_strategy: zlib's.

    Raises:
        ValueError: the type is none of these.
    """

    compression_type_map: ClassVar[dict[Any, str]] = {
        TFRecordCompressionType.ZLIB: "ZLIB",
        TFRecordCompressionType.GZIP: "GZIP",
        TFRecordCompressionType.NONE: "",
    }

    def __init__(
        self,
        compression_type: Any = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ) -> None:
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """``""``, ``"ZLIB"`` or ``"GZIP"`` for options, a type or a name. ValueError for anything else."""
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return str(options)
        raise ValueError(f'Not a valid compression_type: "{options}"; one of "ZLIB", "GZIP", ""')

    def deflater(self) -> Deflater | None:
        """What compresses with these settings; None without compression."""
        kind = self.get_compression_type_string(self.compression_type)
        if not kind:
            return None
        stream = zlib.compressobj(
            _given(self.compression_level, zlib.Z_DEFAULT_COMPRESSION),
            _given(self.compression_method, zlib.DEFLATED),
            _given(self.window_bits, zlib.MAX_WBITS + (16 if kind == "GZIP" else 0)),
            _given(self.mem_level, 9),
            _given(self.compression_strategy, zlib.Z_DEFAULT_STRATEGY),
        )
        return Deflater(
            stream,
            _given(self.input_buffer_size, 256 << 10),
            _given(self.flush_mode, zlib.Z_NO_FLUSH),
        )


class Deflater:
    """Compresses a stream, in the portions in which TensorFlow does it: where those are flushed, the bytes show it."""

    def __init__(self, stream: Any, capacity: int, mode: int) -> None:
        self._stream = stream
        self._capacity = capacity
        self._mode = mode
        self._waiting = bytearray()

    def add(self, data: bytes | bytearray | memoryview) -> bytes:
        """Takes ``data``; returns what of the compressed stream is ready."""
        ready = b""
        if len(self._waiting) + len(data) > self._capacity:
            ready = self.flush(self._mode)
            if len(data) > self._capacity:
                return ready + bytes(self._stream.compress(data) + self._stream.flush(self._mode))
        self._waiting += data
        return ready

    def flush(self, mode: int) -> bytes:
        """Compresses what is waiting, and flushes as zlib's ``mode`` says; the end of the stream with Z_FINISH."""
        ready = self._stream.compress(self._waiting)
        self._waiting = bytearray()
        return bytes(ready + self._stream.flush(mode))


def _given(value: int | None, default: int) -> int:
    return default if value is None else value
