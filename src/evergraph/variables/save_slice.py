"""Which part of a partitioned variable a variable is, and so where it lies in a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evergraph.formats.protos import SaveSliceInfoDef
from evergraph.ops.control_flow_context import prepend_name_scope, strip_name_scope


class SaveSliceInfo:
    """The place of a part: the name and shape of the whole, the part's offset and shape.

    Either these four, or ``save_slice_info_def``, a SaveSliceInfoDef (with the scope that it is
    imported into).
    """

    def __init__(
        self,
        full_name: str | None = None,
        full_shape: Sequence[int] | None = None,
        var_offset: Sequence[int] | None = None,
        var_shape: Sequence[int] | None = None,
        save_slice_info_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if save_slice_info_def is not None:
            full_name = prepend_name_scope(save_slice_info_def.full_name, import_scope)
            full_shape = save_slice_info_def.full_shape
            var_offset = save_slice_info_def.var_offset
            var_shape = save_slice_info_def.var_shape
        self.full_name = full_name
        self.full_shape = _sizes(full_shape)
        self.var_offset = _sizes(var_offset)
        self.var_shape = _sizes(var_shape)

    @property
    def spec(self) -> str:
        """Shape and slice as ``SaveV2`` takes them: ``"20 5 0,10:0,5"``."""
        sizes = " ".join(str(size) for size in self.full_shape)
        extents = zip(self.var_offset, self.var_shape, strict=True)
        return f"{sizes} " + ":".join(f"{start},{length}" for start, length in extents)

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The SaveSliceInfoDef; None where the whole is outside ``export_scope``."""
        name = self.full_name or ""
        if export_scope is not None and not name.startswith(export_scope):
            return None
        return SaveSliceInfoDef(
            full_name=strip_name_scope(name, export_scope),
            full_shape=self.full_shape,
            var_offset=self.var_offset,
            var_shape=self.var_shape,
        )


def _sizes(values: Sequence[int] | None) -> list[int]:
    return [] if values is None else [int(value) for value in values]
