"""CRC-32C (Castagnoli), plain and masked: the checksum of tables, bundles and records.

Stored checksums are masked, so that a checksum of bytes that hold checksums stays a good one:
rotated right by 15 bits, plus a constant (LevelDB's ``util/crc32c.h`` tells why).

The work is done by the ``crc32c`` package: of the two on PyPI it is the one that takes any
buffer as it is, writable NumPy memory included, and lets other threads run meanwhile; it is also
twice as fast as ``google-crc32c`` on one core.
"""

from __future__ import annotations

from importlib.machinery import ExtensionFileLoader, PathFinder
from importlib.util import module_from_spec
from typing import Protocol, cast

from evergraph.storage.filesystem import Bytes

_MASK_DELTA = 0xA282EAD8


class _Sum(Protocol):
    def __call__(self, data: Bytes, crc: int = 0, /) -> int: ...


def _load() -> _Sum:
    """The function of the package's extension module.

    The package's own ``__init__`` looks its version up in the installed metadata, which would be a
    third of the time that it takes to import what opens a checkpoint; so it is gone round.
    """
    package = PathFinder.find_spec("crc32c")
    if package is not None:
        spec = PathFinder.find_spec("crc32c._crc32c", package.submodule_search_locations)
        if spec is not None and isinstance(spec.loader, ExtensionFileLoader):
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return cast(_Sum, module.crc32c)
    from crc32c import crc32c as function

    return cast(_Sum, function)


#: ``crc32c(data, crc=0)``: the checksum of ``data``, going on from ``crc``; a memoryview must be contiguous.
crc32c: _Sum = _load()


def mask(crc: int) -> int:
    """A checksum as files store it."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(masked: int) -> int:
    """The checksum that `mask` was given."""
    rotated = (masked - _MASK_DELTA) & 0xFFFFFFFF
    return ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF
