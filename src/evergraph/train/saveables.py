"""What a Saver saves: the tensors behind a variable, the names they have in a checkpoint, how they are restored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evergraph.graph import nest
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import device
from evergraph.graph.shape import is_fully_defined
from evergraph.graph.tensor import Tensor
from evergraph.ops.array import identity, reshape
from evergraph.ops.resources import AssignVariableOp
from evergraph.ops.state import Assign

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


class ReferenceVariableSaveable(SaveableObject):
    """A reference variable, by the tensor that is its reference."""

    def __init__(self, variable: Tensor, slice_spec: str, name: str) -> None:
        spec = SaveSpec(variable, slice_spec, name, dtype=variable.dtype.base_dtype)
        super().__init__(variable, [spec], name)

    def restore(
        self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None
    ) -> Any:
        """An Assign."""
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = reshape(value, restored_shapes[0])
        exact = restored_shapes is None and is_fully_defined(self.op.dims)
        return Assign(self.op, value, validate_shape=exact)


class ResourceVariableSaveable(SaveableObject):
    """A resource variable, by the tensor that reads it."""

    def __init__(self, read: Tensor, slice_spec: str, name: str) -> None:
        self.handle = read.op.inputs[0]
        self._device = read.device
        super().__init__(read, [SaveSpec(read, slice_spec, name, dtype=read.dtype)], name)

    def restore(
        self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None
    ) -> Any:
        """An AssignVariableOp."""
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = reshape(value, restored_shapes[0])
        with device(self._device):
            value = identity(value)
            value.shape.assert_is_compatible_with(self.op.shape)
            return AssignVariableOp(self.handle, value, dtype=value.dtype)


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

    Raises TypeError for what cannot be saved, ValueError where two have the same name.
    """
    if not isinstance(variables, (list, tuple, set)):
        raise TypeError(f"Variables to save should be passed in a dict or a list. Got {variables}")
    named: dict[str, Any] = {}
    for variable in sorted(nest.flatten(list(variables)), key=lambda item: item.name):
        value: SaveableObject | Tensor
        if isinstance(variable, SaveableObject):
            name, value = variable.name, variable
        elif isinstance(variable, Operation):
            raise TypeError(f"Variable to save is not a Variable: {variable!r}")
        else:
            tensor = saved_tensor(variable)
            name, value = checkpoint_name(tensor), tensor
        if name in named:
            raise ValueError(f"At least two variables have the same name: {name}")
        named[name] = value
    return named


def saveables(var_list: Any) -> list[SaveableObject]:
    """The objects to save for a Saver's ``var_list`` (a list, or a dict of names), in the order of their names.

    Raises TypeError or ValueError as ``by_name``, and ValueError where one variable would have two names.
    """
    named = var_list if isinstance(var_list, Mapping) else by_name(var_list)
    found: list[SaveableObject] = []
    seen: dict[Any, str] = {}
    for name, value in sorted(named.items()):
        for saveable in _saveables_of(name, value):
            key = getattr(saveable, "handle", saveable.op)
            if key in seen:
                raise ValueError(
                    f"The same saveable will be restored with two names: {name} and {seen[key]}"
                )
            seen[key] = name
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
