"""RefVariable: ``tf.Variable`` as TensorFlow 1 has it, a reference that updates write to in
place.
"""

from __future__ import annotations

from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.formats.protos import VariableDef
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, device, name_scope
from evergraph.graph.shape import TensorShape, unknown_shape
from evergraph.graph.tensor import Tensor
from evergraph.ops import state
from evergraph.ops.array import identity
from evergraph.ops.control_flow_context import prepend_name_scope, strip_name_scope
from evergraph.ops.resources import count_up_to
from evergraph.variables import definition
from evergraph.variables.initial_value import guarded
from evergraph.variables.variable import Variable, lifted


class RefVariable(Variable):
    """A variable whose tensor is a reference: what reads it sees every update that came before.
    Arguments as Variable.
    """

    _variable: Tensor
    _snapshot: Tensor

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._init_from_proto(variable_def, import_scope)
            return
        collections = definition.settle(
            self,
            initial_value,
            trainable,
            collections,
            constraint,
            synchronization,
            aggregation,
            name,
        )
        values = [] if callable(initial_value) else [initial_value]
        with lifted(), name_scope(name, "Variable", values) as scope:
            self._initial_value, self._variable = _make(
                initial_value, dtype, shape, validate_shape, scope
            )
            if validate_shape and not self._initial_value.shape.is_fully_defined():
                raise ValueError(
                    f"initial_value must have a shape specified: {self._initial_value}"
                )
            self._initializer_op = state.Assign(
                self._variable, guarded(scope, self._initial_value), validate_shape=validate_shape
            ).op
            place = colocate_with(self.op) if caching_device is None else device(caching_device)
            with place:
                self._snapshot = identity(self._variable, name="read")
        get_default_graph().add_to_collections(collections, self)

    def _init_from_proto(self, variable_def: Any, import_scope: str | None) -> None:
        graph = get_default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._variable = element(variable_def.variable_name)
        self._initializer_op = element(variable_def.initializer_name)
        self._snapshot = element(variable_def.snapshot_name)
        definition.restore(self, variable_def, import_scope)

    # What it is

    @property
    def name(self) -> str:
        return self._variable.name

    @property
    def dtype(self) -> DType:
        return self._variable.dtype

    @property
    def op(self) -> Operation:
        return self._variable.op

    @property
    def shape(self) -> TensorShape:
        return self._variable.shape

    def set_shape(self, shape: Any) -> None:
        """Adds what is known of the static shape. Raises ValueError where it contradicts what was
        known.
        """
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    def _as_graph_element(self) -> Tensor:
        return self._variable

    def _ref(self) -> Tensor:
        return self._variable

    # Its value

    def value(self) -> Tensor:
        """The tensor that reads it, always the same one."""
        return self._snapshot

    def read_value(self) -> Tensor:
        """A new tensor that reads it, at the time that the control dependencies around say."""
        return identity(self._variable, name="read")

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A bool: has it a value?"""
        return state.is_variable_initialized(self._variable, name=name)

    def eval(self, session: Any = None) -> Any:
        """Its value in ``session``, or in the default one."""
        return self._variable.eval(session=session)

    # Updates; each gives the variable after the update, or the operation where ``read_value`` is
    # False

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Sets it to ``value``."""
        updated = state.assign(self._variable, value, use_locking=use_locking, name=name)
        return updated if read_value else updated.op

    def assign_add(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Adds ``delta``."""
        updated = state.assign_add(self._variable, delta, use_locking=use_locking, name=name)
        return updated if read_value else updated.op

    def assign_sub(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtracts ``delta``."""
        updated = state.assign_sub(self._variable, delta, use_locking=use_locking, name=name)
        return updated if read_value else updated.op

    def count_up_to(self, limit: int) -> Tensor:
        """Its value, which then counts up; OutOfRangeError once it has reached ``limit``."""
        return count_up_to(self._variable, limit)

    def _strided_slice_assign(self, value: Any, name: str | None, **index: Any) -> Any:
        from evergraph.ops.strided import StridedSliceAssign

        begin, end, strides = index.pop("begin"), index.pop("end"), index.pop("strides")
        return StridedSliceAssign(self._variable, begin, end, strides, value, name=name, **index)

    # Protos

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The VariableDef; None where it is outside ``export_scope``."""
        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        message = VariableDef(
            variable_name=strip_name_scope(self.name, export_scope),
            initializer_name=strip_name_scope(self._initializer_op.name, export_scope),
            snapshot_name=strip_name_scope(self._snapshot.name, export_scope),
        )
        definition.fill(self, message, export_scope)
        return message


def _make(
    initial_value: Any, dtype: Any, shape: Any, validate_shape: bool, scope: str
) -> tuple[Tensor, Tensor]:
    """The initial value as a tensor, and the variable's reference."""
    if not callable(initial_value):
        value = convert_to_tensor(initial_value, name="initial_value", dtype=dtype)
        if value.op._control_flow_context is not None:
            raise ValueError(
                f"Initializer for variable {scope} is from inside a control-flow construct, such "
                "as a loop or conditional. When creating a variable inside a loop or "
                "conditional, use a lambda as the initializer."
            )
        return value, _reference(value, shape, validate_shape, scope)
    # The variable that the initializer's nodes are to be beside is not there yet.
    with get_default_graph().attr_scope({"_class": definition.location(scope)}):
        with name_scope("Initializer"), device(None):
            value = convert_to_tensor(initial_value(), name="initial_value", dtype=dtype)
        return value, _reference(value, shape, validate_shape, scope)


def _reference(value: Tensor, shape: Any, validate_shape: bool, scope: str) -> Tensor:
    if shape is None:
        shape = value.shape if validate_shape else unknown_shape()
    return state.variable_op_v2(shape, value.dtype.base_dtype, name=scope)
