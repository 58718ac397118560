"""Snappy as tables use it: one raw block, which begins with the length that it expands to."""

from __future__ import annotations

from evergraph.formats.wire import WireError, decode_varint

# The densest element makes 64 bytes out of three.
_MOST_EXPANSION = 22


def decompress(data: bytes) -> bytes:
    """Returns what the raw Snappy block ``data`` expands to.

    Raises:
        WireError: it is no such block, or claims to expand to more than it can.
    """
    length, _ = decode_varint(data, 0)
    if length > _MOST_EXPANSION * len(data):
        raise WireError(f"{len(data)} bytes of Snappy cannot be {length} bytes expanded")
    import cramjam

    try:
        expanded = bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise WireError(f"Snappy cannot be expanded: {error}") from error
    if len(expanded) != length:
        raise WireError(f"Snappy expanded to {len(expanded)} bytes instead of {length}")
    return expanded


def compress(data: bytes) -> bytes:
    """A raw Snappy block that expands to ``data``."""
    import cramjam

    return bytes(cramjam.snappy.compress_raw(data))
