"""CRC-32C against the vectors of RFC 3720, B.4, and the masking of LevelDB."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from evergraph.formats import crc32c as module
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


def test_the_package_serves_where_its_extension_is_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PathFinder", SimpleNamespace(find_spec=lambda *args: None))
    assert module._load()(b"123456789", 0) == 0xE3069283


def test_the_package_can_still_be_imported() -> None:
    code = (
        "import sys; import evergraph.formats.crc32c as e; assert 'crc32c' not in sys.modules\n"
        "import crc32c; assert crc32c.crc32c(b'123456789') == e.crc32c(b'123456789') == 0xE3069283"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
