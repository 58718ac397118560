"""Is the variable that is there the one that ``get_variable`` is asked for?"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.graph.shape import TensorShape
from evergraph.variables.partitioned_variable import PartitionedVariable
from evergraph.variables.resource_variable import ResourceVariable

_PACKAGE_FRAMES = "/evergraph/"


def check(name: str, found: Any, reuse: Any, shape: Any, dtype: DType) -> None:
    """Raises ValueError where the variable that is there is not the one that is asked for."""
    if reuse is False:
        message = (
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or "
            "reuse=tf.AUTO_REUSE in VarScope?"
        )
        if isinstance(found, ResourceVariable):
            raise ValueError(message)
        frames = [f for f in found.op.traceback[::-1] if _PACKAGE_FRAMES not in f.filename]
        place = "".join(traceback.format_list(frames[:5]))
        raise ValueError(f"{message} Originally defined at:\n\n{place}")
    if shape is not None and not shape.is_compatible_with(found.get_shape()):
        raise ValueError(
            f"Trying to share variable {name}, but specified shape {shape} and found shape "
            f"{found.get_shape()}."
        )
    if not dtype.is_compatible_with(found.dtype):
        raise ValueError(
            f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype "
            f"{found.dtype.name}."
        )


def check_parts(
    found: PartitionedVariable,
    reuse: Any,
    shape: TensorShape,
    dtype: DType,
    parts: Sequence[int] | None,
) -> None:
    """Raises ValueError where the parts that are there are not those that are asked for."""
    name = found.name
    if reuse is False:
        raise ValueError(
            f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True "
            "or reuse=tf.AUTO_REUSE in VarScope?"
        )
    start = f"Trying to reuse partitioned variable {name}, but specified"
    if not shape.is_compatible_with(found.get_shape()):
        raise ValueError(f"{start} shape {shape} and found shape {found.get_shape()}.")
    if not dtype.is_compatible_with(found.dtype):
        raise ValueError(f"{start} dtype {dtype.name} and found dtype {found.dtype.name}.")
    if parts is not None and list(parts) != list(found._get_partitions()):
        raise ValueError(
            f"{start} partitions {parts} and found partitions {found._get_partitions()}."
        )
