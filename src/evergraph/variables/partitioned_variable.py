"""PartitionedVariable: the parts of one variable, each a variable of its own (``w/part_0``), which
a checkpoint holds as slices of one tensor (``w``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import register_tensor_conversion_function
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor
from evergraph.ops.array import identity
from evergraph.ops.concatenation import concat
from evergraph.ops.splitting import split
from evergraph.variables.operators import TensorOperators


class PartitionedVariable(TensorOperators):
    """The parts of one variable, in the order of their places.

    It counts, iterates and is assigned to part by part; where a tensor is wanted, it is the parts
    put together (``<name>/ConcatPartitions``).

    Args:
        name: of the whole.
        shape: of the whole, a TensorShape.
        dtype: of the elements.
        variable_list: the parts: variables that say their places (``_set_save_slice_info``).
        partitions: the number of parts along each axis.

    Raises:
        TypeError: parts or partitions are no list.
        ValueError: there is no part, one does not say its place or is of another whole, or the
            partitions do not fit.
    """

    def __init__(
        self,
        name: str,
        shape: Any,
        dtype: Any,
        variable_list: Sequence[Any],
        partitions: Sequence[int],
    ) -> None:
        if not isinstance(variable_list, (list, tuple)):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if not all(count >= 1 for count in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        places = [variable._get_save_slice_info() for variable in variable_list]
        if any(place is None for place in places):
            raise ValueError(
                "All variables must have a save_slice_info available: "
                f"{[variable.name for variable in variable_list]}"
            )
        if len(shape) != len(partitions):
            raise ValueError(f"len(shape) != len(partitions): {shape} vs. {partitions}")
        full_shapes = [place.full_shape for place in places]
        if any(TensorShape(full) != TensorShape(shape) for full in full_shapes):
            raise ValueError(
                f"All variables' full shapes must match shape: {shape}; but full shapes were: "
                f"{full_shapes}"
            )
        self._name = name
        self._shape = shape
        self._dtype = dtype
        self._partitions = partitions
        self._variable_list = sorted(
            variable_list, key=lambda variable: variable._get_save_slice_info().var_offset
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtype(self) -> DType:
        kind: DType = self._dtype
        return kind

    @property
    def shape(self) -> TensorShape:
        return self.get_shape()

    def get_shape(self) -> TensorShape:
        """The shape of the whole."""
        shape: TensorShape = self._shape
        return shape

    def __repr__(self) -> str:
        return (
            f"<tf.PartitionedVariable '{self._name}' shape={self._shape} "
            f"dtype={self._dtype.name} parts={len(self._variable_list)}>"
        )

    # Its parts

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        axes = len(self._partition_axes())
        if axes > 1:
            raise ValueError(f"Cannot get a length for {axes} > 1 partition axes")
        return len(self._variable_list)

    def _partition_axes(self) -> list[int]:
        """The axes that are cut; the first where none is."""
        return [axis for axis, count in enumerate(self._partitions) if count > 1] or [0]

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _get_partitions(self) -> Sequence[int]:
        return self._partitions

    # Its value

    def as_tensor(self) -> Tensor:
        """The parts put together; waits for nothing that a scope outside asks for.

        Raises NotImplementedError where more than one axis is cut.
        """
        with control_dependencies(None):
            return self._concat()

    def _concat(self) -> Tensor:
        if len(self._variable_list) == 1:
            with name_scope(None):
                return identity(self._variable_list[0], name=self._name)
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(
                f"Cannot concatenate along more than one dimension: {axes}.  Multi-axis partition "
                "concat is not supported"
            )
        with name_scope(f"{self._name}/ConcatPartitions/"):
            whole = concat(self._variable_list, axes[0])
        with name_scope(None):
            return identity(whole, name=self._name)

    def _as_operand(self) -> Tensor:
        # Here TensorFlow stops: ``partitioned * 2`` is a TypeError there.
        return self.as_tensor()

    # Updates; each gives what the update of each part gives

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Sets it to ``value``: a tensor of its shape, a list of one value a part, or a partitioned
        variable of the same parts.

        Raises AssertionError for a list of another length, NotImplementedError where more than one
        axis is cut.
        """
        return self._update("assign", value, use_locking, name, read_value)

    def assign_add(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Adds ``value``, which is as in ``assign``."""
        return self._update("assign_add", value, use_locking, name, read_value)

    def assign_sub(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Subtracts ``value``, which is as in ``assign``."""
        return self._update("assign_sub", value, use_locking, name, read_value)

    def _update(
        self, method: str, value: Any, use_locking: bool, name: str | None, read_value: bool
    ) -> list[Any]:
        return [
            getattr(part, method)(
                part_value, use_locking=use_locking, name=name, read_value=read_value
            )
            for part, part_value in zip(self._variable_list, self._cut(value), strict=True)
        ]

    def _cut(self, value: Any) -> Sequence[Any]:
        """``value`` part by part."""
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(
                f"Cannot do assign action along more than one dimension: {axes}.  Multi-axis "
                "partition assign action is not supported"
            )
        if not isinstance(value, (list, PartitionedVariable)):
            sizes = [part.shape.as_list()[axes[0]] for part in self._variable_list]
            cut: Sequence[Any] = split(value, sizes, axis=axes[0])
            return cut
        values = list(value)
        if len(values) != len(self._variable_list):
            raise AssertionError(
                f"{self._name!r} has {len(self._variable_list)} parts, and got a list of "
                f"{len(values)} values: a list holds one value for each part. Pass the value of "
                "the whole as an array or a tensor."
            )
        return values


def put_together_collected(graph: Graph) -> None:
    """Adds the node of each partitioned variable in a collection of ``graph`` that has none yet: a
    MetaGraph names it by that.
    """
    for key in graph.get_all_collection_keys():
        for item in graph.get_collection(key):
            if isinstance(item, PartitionedVariable) and item.name not in graph._operations:
                item.as_tensor()


def _convert(
    variable: PartitionedVariable,
    dtype: DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    if dtype is not None and not dtype.is_compatible_with(variable.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
            f"'{variable.dtype.name}'"
        )
    if as_ref:
        raise NotImplementedError(
            "PartitionedVariable doesn't support being used as a reference: it has no place of its "
            f"own, its parts have. Use them: list(<the variable {variable.name!r}>)."
        )
    return variable.as_tensor()


register_tensor_conversion_function(PartitionedVariable, _convert)
