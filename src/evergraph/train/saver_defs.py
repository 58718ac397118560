"""The names in a SaverDef, which says by them what the nodes of a saver are."""

from __future__ import annotations

from typing import Any

from evergraph.formats.protos import SaverDef

_NAMES = ("filename_tensor_name", "save_tensor_name", "restore_op_name")


def check_saver_def(saver_def: Any) -> None:
    """Raises ValueError for what is no SaverDef, or one that does not say how to save and restore."""
    if not isinstance(saver_def, SaverDef):
        raise ValueError(f"saver_def must be a saver_pb2.SaverDef: {saver_def}")
    for field in ("save_tensor_name", "restore_op_name"):
        if not getattr(saver_def, field):
            raise ValueError(f"saver_def must specify the {field}: {saver_def}")


def with_scope(saver_def: Any, scope: str) -> Any:
    """A copy for nodes that were imported under ``scope``."""
    scoped = SaverDef()
    scoped.CopyFrom(saver_def)
    for field in _NAMES:
        setattr(scoped, field, f"{scope}/{getattr(scoped, field)}")
    return scoped


def without_scope(saver_def: Any, scope: str) -> Any:
    """A copy with ``scope`` taken off the names; None where the nodes lie outside of it."""
    prefix = scope.rstrip("/") + "/"
    if not saver_def.save_tensor_name.startswith(prefix):
        return None
    bare = SaverDef()
    bare.CopyFrom(saver_def)
    for field in _NAMES:
        setattr(bare, field, getattr(bare, field).removeprefix(prefix))
    return bare
