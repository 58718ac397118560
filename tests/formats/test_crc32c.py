"""CRC-32C against the vectors of RFC 3720, B.4, and the masking of LevelDB."""

from __future__ import annotations

import numpy as np
import pytest

from evergraph.formats.crc32c import crc32c, mask, unmask


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
        (b"123456789", 0xE3069283),
    ],
)
def test_known_values(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    assert crc32c(memoryview(bytearray(data))) == crc
    assert crc32c(data[5:], crc32c(data[:5])) == crc


def test_any_contiguous_memory() -> None:
    array = np.arange(1000, dtype=np.float32)
    assert crc32c(memoryview(array).cast("B")) == crc32c(array.tobytes())


def test_mask() -> None:
    for crc in (0, 1, 0xE3069283, 0xFFFFFFFF):
        assert unmask(mask(crc)) == crc
        assert mask(crc) != crc
        assert mask(mask(crc)) != crc
    assert mask(0) == 0xA282EAD8
