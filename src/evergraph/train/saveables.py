"""What a Saver saves: the tensors behind a variable, the names they have in a checkpoint, how they are restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from evergraph.graph import nest
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import device, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.array import identity, reshape
from evergraph.ops.resources import AssignVariableOp, DisableCopyOnRead
from evergraph.ops.state import Assign
from evergraph.variables.partitioned_variable import PartitionedVariable
from evergraph.variables.resource_variable import ResourceVariable
from evergraph.variables.variable import Variable

_REFERENCES = frozenset(("Variable", "VariableV2", "AutoReloadVariable"))
_HANDLES = frozenset(("VarHandleOp", "ReadVariableOp", "ResourceGather"))


class SaveSpec:
    """One tensor to save: itself, its name in the checkpoint, and which slice of a larger one it is ("" for all).

    ``tensor`` may be a function that makes it, called where the node that saves it is built; type and device are
    given then. Raises AssertionError where they are not.
    """

    def __init__(
        self,
        tensor: Any,
        slice_spec: str,
        name: str,
        dtype: Any = None,
        device: str | None = None,
    ) -> None:
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        if callable(tensor) and (dtype is None or device is None):
            raise AssertionError(
                "When passing a callable `tensor` to a SaveSpec, an explicit dtype and device must be provided."
            )
        self.dtype = tensor.dtype.base_dtype if dtype is None else dtype
        self.device = tensor.device if device is None else device

    @property
    def tensor(self) -> Any:
        """The tensor to save."""
        return self._tensor() if callable(self._tensor) else self._tensor


class SaveableObject:
    """Something a Saver can save: its specs, and ``restore``, which gives the operation that sets it from tensors."""

    def __init__(self, op: Any, specs: Sequence[SaveSpec], name: str) -> None:
        self.op = op
        self.specs = list(specs)
        self.name = name

    @property
    def device(self) -> str:
        return self.specs[0].device

    def restore(
        self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None
    ) -> Any:
        """The operation that restores this object from the tensors of its specs, reshaped where shapes are given.

        Raises ValueError where the subclass does not define it.
        """
        raise ValueError("Calling an abstract method: SaveableObject subclasses define restore().")


def _shaped(tensors: Sequence[Tensor], shapes: Sequence[Any] | None) -> Tensor:
    """The one restored tensor, in the shape that is wanted."""
    return tensors[0] if shapes is None else reshape(tensors[0], shapes[0])


class ReferenceVariableSaveable(SaveableObject):
    """A reference variable, by the tensor that is its reference; a part of one, by the variable."""

    def __init__(self, variable: Any, slice_spec: str, name: str) -> None:
        tensor = variable if isinstance(variable, Tensor) else variable.value()
        kind = variable.dtype.base_dtype
        spec = SaveSpec(tensor, slice_spec, name, dtype=kind, device=variable.device)
        super().__init__(variable, [spec], name)

    def restore(
        self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None
    ) -> Any:
        """An Assign."""
        value = _shaped(restored_tensors, restored_shapes)
        exact = restored_shapes is None and self.op.shape.is_fully_defined()
        return Assign(self.op, value, validate_shape=exact)


class ResourceVariableSaveable(SaveableObject):
    """A resource variable, by the tensor that reads it; a part of one, by the variable."""

    def __init__(self, variable: Any, slice_spec: str, name: str) -> None:
        read: Tensor | Callable[[], Tensor]
        if isinstance(variable, Tensor):
            self.handle, read = variable.op.inputs[0], variable
        else:
            self.handle, read = variable.handle, lambda: _read_to_save(variable)
        self._device = variable.device
        spec = SaveSpec(read, slice_spec, name, dtype=variable.dtype, device=variable.device)
        super().__init__(variable, [spec], name)

    def restore(
        self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None
    ) -> Any:
        """An AssignVariableOp."""
        value = _shaped(restored_tensors, restored_shapes)
        with device(self._device):
            value = identity(value)
            value.shape.assert_is_compatible_with(self.op.shape)
            return AssignVariableOp(self.handle, value, dtype=value.dtype)


def _read_to_save(variable: ResourceVariable) -> Tensor:
    """A new tensor that reads ``variable`` for a save, in the memory of its machine."""
    with device(variable.device):
        with name_scope("Read"):
            DisableCopyOnRead(variable.handle)
            value = variable._read()
        value = identity(value)
        with device("/device:CPU:0"):
            return identity(value)


def comes_from_variable(tensor: Any) -> bool:
    """True for the reference of a variable, or the read of a resource variable."""
    return isinstance(tensor, Tensor) and (
        tensor.op.type in _REFERENCES or tensor.op.type in _HANDLES
    )


def saved_tensor(variable: Any) -> Tensor:
    """The tensor that stands for ``variable`` in a checkpoint: its reference, or its standing read.

    Raises TypeError where it is no variable.
    """
    element = getattr(variable, "_graph_element", None)
    tensor = element if isinstance(element, Tensor) and not element.dtype._is_ref_dtype else None
    if tensor is None or not comes_from_variable(tensor):
        tensor = convert_to_tensor(variable, as_ref=True)
    if not comes_from_variable(tensor):
        raise TypeError(f"Variable to save is not a Variable: {variable!r}")
    return tensor


def checkpoint_name(tensor: Tensor) -> str:
    """The name under which a variable's tensor is saved when the program gives none: the variable's own."""
    op: Operation = tensor.op.inputs[0].op if tensor.op.type == "ReadVariableOp" else tensor.op
    return op.name


def by_name(variables: Iterable[Any]) -> dict[str, Any]:
    """A (nested) list of variables and SaveableObjects by the names that they are saved under.

    Parts of a variable are a list, by the name of the whole. Raises TypeError for what cannot be saved, ValueError
    where two have the same name.
    """
    if not isinstance(variables, (list, tuple, set)):
        raise TypeError(f"Variables to save should be passed in a dict or a list. Got {variables}")
    named: dict[str, Any] = {}
    for variable in sorted(nest.flatten(list(variables)), key=lambda item: item.name):
        value: Any
        if isinstance(variable, SaveableObject | PartitionedVariable):
            name, value = variable.name, variable
        elif isinstance(variable, Operation):
            raise TypeError(f"Variable to save is not a Variable: {variable!r}")
        elif _whole_of(variable) is not None:
            name, value = _whole_of(variable), [variable]
            if name in named:
                if not isinstance(named[name], list):
                    raise ValueError(f"Mixing slices and non-slices with the same name: {name}")
                named[name].append(variable)
                continue
        else:
            tensor = saved_tensor(variable)
            name, value = checkpoint_name(tensor), tensor
        if name in named:
            raise ValueError(f"At least two variables have the same name: {name}")
        named[name] = value
    return named


def _whole_of(variable: Any) -> Any:
    """The name of the variable that ``variable`` is a part of; None where it is no part."""
    place = variable._get_save_slice_info() if isinstance(variable, Variable) else None
    return None if place is None else place.full_name


def saveables(var_list: Any) -> list[SaveableObject]:
    """The objects to save for a Saver's ``var_list`` (a list, or a dict of names), in the order of their names.

    Raises TypeError or ValueError as ``by_name``, and ValueError where one variable would have two names.
    """
    named = var_list if isinstance(var_list, Mapping) else by_name(var_list)
    found: list[SaveableObject] = []
    seen: dict[Any, str] = {}
    for name, value in sorted(named.items()):
        for saveable in _saveables_of(name, value):
            if saveable.op in seen:
                raise ValueError(
                    "The same saveable will be restored with two names: "
                    f"{name} and {seen[saveable.op]}"
                )
            seen[saveable.op] = name
            found.append(saveable)
    return found


def _saveables_of(name: Any, value: Any) -> Iterator[SaveableObject]:
    if not isinstance(name, str):
        raise TypeError(
            f"names_to_saveables must be a dict mapping string names to variables. Name is not a string: {name}"
        )
    if isinstance(value, SaveableObject):
        yield value
        return
    if isinstance(value, list | tuple | PartitionedVariable):
        yield from _saveables_of_parts(name, value)
        return
    try:
        tensor = saved_tensor(value)
    except TypeError:
        raise TypeError(
            f"names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a variable: {value!r}"
        ) from None
    if tensor.op.type in _REFERENCES:
        yield ReferenceVariableSaveable(tensor, "", name)
    else:
        yield ResourceVariableSaveable(tensor, "", name)


def _saveables_of_parts(name: str, parts: Iterable[Any]) -> Iterator[SaveableObject]:
    whole = None
    for part in parts:
        if isinstance(part, SaveableObject):
            yield part
            continue
        if not isinstance(part, Variable):
            raise ValueError(f"Slices must all be Variables: {part}")
        place = part._get_save_slice_info()
        if place is None:
            raise ValueError(
                f"Slices must all be slices: {part}. A list stands for the parts of one partitioned variable; to save "
                "variables under names of their own, give each a name in the dict."
            )
        whole = place.full_name if whole is None else whole
        if whole != place.full_name:
            raise ValueError(
                f"Slices must all be from the same tensor: {whole} != {place.full_name}"
            )
        kind = (
            ResourceVariableSaveable
            if isinstance(part, ResourceVariable)
            else ReferenceVariableSaveable
        )
        yield kind(part, place.spec, name)
