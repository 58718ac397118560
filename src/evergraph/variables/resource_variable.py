"""ResourceVariable: a variable behind a handle, each read of which is a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.formats.protos import VariableDef
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, control_dependencies, device, name_scope
from evergraph.graph.shape import TensorShape, as_shape
from evergraph.graph.tensor import Tensor
from evergraph.ops import resources
from evergraph.ops.array import identity
from evergraph.ops.control_flow_context import prepend_name_scope, strip_name_scope
from evergraph.variables import definition
from evergraph.variables.initial_value import guarded
from evergraph.variables.variable import Variable, lifted


class ResourceVariable(Variable):
    """A variable behind a handle: what was read from it never changes. Arguments as Variable."""

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        dtype: Any = None,
        variable_def: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
        expected_shape: Any = None,
    ) -> None:
        self._cached_value: Tensor | None = None
        self._caching_device = caching_device
        self._validate_shape = validate_shape
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
            self._initial_value, self._handle = _make(initial_value, dtype, shape, scope)
            self._shape: TensorShape = TensorShape(self._handle.op.attrs["shape"])
            self._dtype: DType = self._initial_value.dtype.base_dtype
            self._add_nodes(scope)
        get_default_graph().add_to_collections(collections, self)

    def _add_nodes(self, scope: str) -> None:
        assert self._initial_value is not None
        with name_scope("IsInitialized"):
            resources.VarIsInitializedOp(self._handle)
        with (
            name_scope("Assign") as assign_scope,
            colocate_with(None, ignore_existing=True),
            device(self._handle.device),
        ):
            value = guarded(scope, self._initial_value)
            self._initializer_op: Operation = resources.AssignVariableOp(
                self._handle, value, name=assign_scope
            )
        with name_scope("Read"):
            with device(self._handle.device):
                self._graph_element: Tensor = resources.ReadVariableOp(
                    self._handle, dtype=self._dtype
                )
            if self._caching_device is not None:
                with colocate_with(None, ignore_existing=True), device(self._caching_device):
                    self._cached_value = identity(self._graph_element)

    def _init_from_proto(self, variable_def: Any, import_scope: str | None) -> None:
        if not variable_def.is_resource:
            raise ValueError(
                "Trying to restore Variable as ResourceVariable: "
                f"{variable_def.variable_name} is a reference variable"
            )
        graph = get_default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._handle = element(variable_def.variable_name)
        self._initializer_op = element(variable_def.initializer_name)
        self._shape = TensorShape(self._handle.op.attrs["shape"])
        self._dtype = self._handle.op.attrs["dtype"]
        if variable_def.snapshot_name:
            read = element(variable_def.snapshot_name)
        else:
            read = graph.get_tensor_by_name(f"{self._handle.op.name}/Read/ReadVariableOp:0")
        if read.op.type != "ReadVariableOp":
            self._cached_value = read
        seen = set()
        while read.op.type != "ReadVariableOp":
            if read in seen or not read.op.inputs:
                raise ValueError(
                    f"'{variable_def.snapshot_name}' is no value of the variable {variable_def.variable_name}"
                )
            seen.add(read)
            read = read.op.inputs[0]
        self._graph_element = read
        definition.restore(self, variable_def, import_scope)

    # What it is

    @property
    def name(self) -> str:
        return self._handle.name

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def op(self) -> Operation:
        return self._handle.op

    @property
    def handle(self) -> Tensor:
        """The tensor that names it in a session."""
        return self._handle

    @property
    def create(self) -> Operation:
        """The operation that sets the initial value."""
        return self._initializer_op

    @property
    def graph(self) -> Graph:
        return self._handle.graph

    @property
    def device(self) -> str:
        return self._handle.device

    @property
    def shape(self) -> TensorShape:
        return self._shape

    def set_shape(self, shape: Any) -> None:
        """Adds what is known of the static shape. Raises ValueError where it contradicts that."""
        self._shape = self._shape.merge_with(shape)

    def _as_graph_element(self) -> Tensor:
        return self._graph_element

    def _ref(self) -> Tensor:
        return self.read_value().op.inputs[0]

    # Its value

    def value(self) -> Tensor:
        """A tensor that reads it, a new one for each call (where it has no caching device)."""
        if self._cached_value is not None:
            return self._cached_value
        with colocate_with(None, ignore_existing=True):
            return self._read()

    def read_value(self) -> Tensor:
        """A new tensor that reads it, at the time that the control dependencies around say."""
        with name_scope("Read"):
            value = self._read()
        return identity(value)

    def _read(self) -> Tensor:
        value: Tensor
        if self._caching_device is None:
            value = resources.ReadVariableOp(self._handle, dtype=self._dtype)
            return value
        with colocate_with(None, ignore_existing=True), device(self._caching_device):
            value = resources.ReadVariableOp(self._handle, dtype=self._dtype)
            return value

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A bool: has it a value?"""
        answer: Tensor = resources.VarIsInitializedOp(self._handle, name=name)
        return answer

    def eval(self, session: Any = None) -> Any:
        """Its value in ``session``, or in the default one."""
        return self._graph_element.eval(session=session)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows at ``indices``, without a read of the rest."""
        with name_scope("Gather" if name is None else name) as scope:
            rows: Tensor = resources.ResourceGather(
                self._handle, indices, dtype=self._dtype, name=scope
            )
        return rows

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements (or parts) at ``indices``, [..., K], without a read of the rest."""
        with name_scope("GatherNd" if name is None else name) as scope:
            parts = resources.ResourceGatherNd(self._handle, indices, dtype=self._dtype, name=scope)
        return identity(parts)

    def count_up_to(self, limit: int) -> Tensor:
        """Its value, which then counts up; OutOfRangeError once it has reached ``limit``."""
        return resources.count_up_to(self, limit)

    # Updates; each gives the variable after the update, or the operation without ``read_value``

    @contextmanager
    def _after_cached_read(self) -> Iterator[None]:
        if self._cached_value is None:
            yield
        else:
            with control_dependencies([self._cached_value]):
                yield

    def _lazy_read(self, op: Operation) -> ResourceVariable:
        from evergraph.variables.unread_variable import UnreadVariable

        return UnreadVariable(self, op)

    def assign(
        self,
        value: Any,
        use_locking: bool | None = None,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Sets it to ``value``. Raises ValueError where the shapes are known to differ."""
        tensor = convert_to_tensor(value, dtype=self._dtype)
        if not self._shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable "
                f"shape {self._shape}, and the assigned value shape {tensor.shape} are "
                "incompatible."
            )
        exact = self._validate_shape and self._shape.is_fully_defined()
        op = resources.AssignVariableOp(self._handle, tensor, validate_shape=exact, name=name)
        return self._lazy_read(op) if read_value else op

    def assign_add(
        self,
        delta: Any,
        use_locking: bool | None = None,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Adds ``delta``."""
        with self._after_cached_read():
            tensor = convert_to_tensor(delta, dtype=self._dtype)
            op = resources.AssignAddVariableOp(self._handle, tensor, name=name)
        return self._lazy_read(op) if read_value else op

    def assign_sub(
        self,
        delta: Any,
        use_locking: bool | None = None,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtracts ``delta``."""
        with self._after_cached_read():
            tensor = convert_to_tensor(delta, dtype=self._dtype)
            op = resources.AssignSubVariableOp(self._handle, tensor, name=name)
        return self._lazy_read(op) if read_value else op

    def _strided_slice_assign(self, value: Any, name: str | None, **index: Any) -> Any:
        from evergraph.ops.strided import ResourceStridedSliceAssign

        bounds = [index.pop(key) for key in ("begin", "end", "strides")]
        with self._after_cached_read():
            tensor = convert_to_tensor(value, dtype=self._dtype)
            op = ResourceStridedSliceAssign(self._handle, *bounds, tensor, name=name, **index)
            return self._lazy_read(op)

    # Protos

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The VariableDef; None where it is outside ``export_scope``."""
        if export_scope is not None and not self._handle.name.startswith(export_scope):
            return None
        read = self._graph_element if self._cached_value is None else self._cached_value
        message = VariableDef(
            variable_name=strip_name_scope(self._handle.name, export_scope),
            initializer_name=strip_name_scope(self._initializer_op.name, export_scope),
            snapshot_name=strip_name_scope(read.name, export_scope),
            is_resource=True,
        )
        definition.fill(self, message, export_scope)
        return message

    # Python

    def __bool__(self) -> bool:
        return bool(self._graph_element)


def _make(initial_value: Any, dtype: Any, shape: Any, scope: str) -> tuple[Tensor, Tensor]:
    """The initial value as a tensor, and the variable's handle."""
    graph = get_default_graph()
    # The variable that the initializer's nodes are to be beside is not there yet.
    with graph.attr_scope({"_class": definition.location(scope)}):
        with name_scope("Initializer"), device(None):
            given = initial_value() if callable(initial_value) else initial_value
            value = convert_to_tensor(given, name="initial_value", dtype=dtype)
        if shape is None:
            shape = value.shape
        elif not value.shape.is_compatible_with(shape):
            raise ValueError(
                f"In this `tf.Variable` creation, the initial value's shape ({value.shape}) is not "
                f"compatible with the explicitly supplied `shape` argument ({shape})."
            )
        handle: Tensor = resources.VarHandleOp(
            shape=as_shape(shape),
            dtype=value.dtype.base_dtype,
            shared_name=scope.rstrip("/"),
            debug_name=scope,
            container=graph._container,
            name=scope,
        )
    if value.op._control_flow_context is not None:
        raise ValueError(
            f"Initializer for variable {scope} is from inside a control-flow construct, such as a "
            "loop or conditional. When creating a variable inside a loop or conditional, use a "
            "lambda as the initializer."
        )
    return value, handle


def _refuse_in_place(operator: str) -> Callable[..., Any]:
    def refuse(self: ResourceVariable, other: Any) -> Any:
        raise RuntimeError(
            f"`variable {operator}= value` with `tf.Variable`s is not supported. Use "
            "`variable.assign(...)` (or assign_add, assign_sub) to modify the variable, or "
            f"`out = variable {operator} value` if you need to get a new output Tensor."
        )

    return refuse


for _name, _operator in (("iadd", "+"), ("isub", "-"), ("imul", "*"), ("itruediv", "/"),
                         ("ipow", "**")):  # fmt: skip
    setattr(ResourceVariable, f"__{_name}__", _refuse_in_place(_operator))


def is_resource_variable(var: Any) -> bool:
    """True for a resource variable (or something that says it acts as one)."""
    return isinstance(var, ResourceVariable) or hasattr(var, "_should_act_as_resource_variable")
