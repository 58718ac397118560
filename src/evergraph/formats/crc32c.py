"""CRC-32C (Castagnoli), plain and masked: the checksum of tables, bundles and records.

Stored checksums are masked, so that a checksum of bytes that hold checksums stays a good one:
rotated right by 15 bits, plus a constant (LevelDB's ``util/crc32c.h`` tells why).

The work is done by the ``crc32c`` package: of the two on PyPI it is the one that takes any
buffer as it is, writable NumPy memory included, and lets other threads run meanwhile; it is also
twice as fast as ``google-crc32c`` on one core.
"""

from __future__ import annotations

from crc32c import crc32c as extend_forward

from evergraph.storage.filesystem import Bytes

_MASK_DELTA = 0xA282EAD8


def crc32c(data: Bytes, crc: int = 0) -> int:
    """The checksum of ``data``, going on from ``crc``; a memoryview must be contiguous."""
    return extend_forward(data, crc)


def mask(crc: int) -> int:
    """A checksum as files store it."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(masked: int) -> int:
    """The checksum that `mask` was given."""
    rotated = (masked - _MASK_DELTA) & 0xFFFFFFFF
    return ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF
