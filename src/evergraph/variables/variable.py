"""Variable: what reference and resource variables have in common, and how ``tf.Variable(...)``
makes one.

``Variable(...)`` asks the creators of the scopes around (``variable_creator_scope``), the innermost
last, then makes a RefVariable or a ResourceVariable; both are instances of Variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.graph import default_session
from evergraph.graph.conversion import register_tensor_conversion_function
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor
from evergraph.variables import distribution, save_slice
from evergraph.variables.operators import TensorOperators
from evergraph.variables.scatter_methods import ScatterMethods

#: ``creator(next_creator, **kwargs)`` -> a variable.
Creator = Callable[..., Any]

_ATTACHMENT = "evergraph.variables.creators"


class _VariableType(type):
    """Calling Variable itself makes a variable of the kind that is wanted; calling a subclass makes
    that.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Variable:
            return make_variable(*args, **kwargs)
        return super().__call__(*args, **kwargs)


def make_variable(
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
    use_resource: bool | None = None,
    synchronization: Any = distribution.VariableSynchronization.AUTO,
    aggregation: Any = distribution.VariableAggregation.NONE,
    shape: Any = None,
) -> Any:
    """``Variable(...)``: the variable that the creators of the scopes around make. Arguments as
    there.
    """
    create: Creator = _default_creator
    for creator in _creators(get_default_graph()):
        create = _bound(creator, create)
    return create(
        initial_value=initial_value,
        trainable=trainable,
        collections=collections,
        validate_shape=validate_shape,
        caching_device=caching_device,
        name=name,
        variable_def=variable_def,
        dtype=dtype,
        expected_shape=expected_shape,
        import_scope=import_scope,
        constraint=constraint,
        use_resource=use_resource,
        synchronization=synchronization,
        aggregation=aggregation,
        shape=shape,
    )


def _bound(creator: Creator, next_creator: Creator) -> Creator:
    return lambda **kwargs: creator(next_creator, **kwargs)


def _creators(graph: Graph) -> list[Creator]:
    found: list[Creator] = graph.attachments.setdefault(_ATTACHMENT, [])
    return found


@contextmanager
def variable_creator_scope(variable_creator: Creator) -> Iterator[None]:
    """Variables made within are made by ``variable_creator(next_creator, **kwargs)``."""
    creators = _creators(get_default_graph())
    creators.append(variable_creator)
    try:
        yield
    finally:
        creators.pop()


def _default_creator(use_resource: bool | None = None, **kwargs: Any) -> Any:
    from evergraph.variables.ref_variable import RefVariable
    from evergraph.variables.resource_variable import ResourceVariable
    from evergraph.variables.scope import get_variable_scope, resource_variables_enabled

    if use_resource is None:
        use_resource = get_variable_scope().use_resource
    if use_resource is None:
        use_resource = resource_variables_enabled()
    return ResourceVariable(**kwargs) if use_resource else RefVariable(**kwargs)


def lifted() -> AbstractContextManager[Any]:
    """Operations made within belong to no cond or loop, and wait for nothing that a scope outside
    asks for.
    """
    return get_default_graph().control_dependencies(None)


class Variable(ScatterMethods, TensorOperators, metaclass=_VariableType):
    """A value that lives in a session and changes from run to run.

    Args: initial_value: a Tensor, what converts to one, or a function without arguments that gives
    one. trainable: also adds it to the collection TRAINABLE_VARIABLES (None: True). collections:
    the collections that it is added to; None: GLOBAL_VARIABLES. validate_shape: False allows an
    initial value, and new values, of any shape. caching_device: a device on which its value is kept
    for reads. name: its name, made unique; None: ``Variable``. variable_def: a VariableDef: stands
    for a variable whose nodes the graph has already. dtype: the type to convert the initial value
    to. expected_shape: not looked at. import_scope: the scope that ``variable_def`` is imported
    into. constraint: a function that optimizers apply to its value after each update. use_resource:
    makes a resource variable; None: as the variable scope says. synchronization, aggregation: kept
    for the protos. shape: its shape, where that is not the initial value's.

    Raises:
        ValueError: no initial value, or one whose shape is not known though ``validate_shape``.
    """

    SaveSliceInfo = save_slice.SaveSliceInfo

    _trainable: bool
    _synchronization: distribution.VariableSynchronization
    _aggregation: distribution.VariableAggregation
    _initial_value: Tensor | None
    _initializer_op: Operation
    _constraint: Callable[..., Any] | None
    _save_slice_info: save_slice.SaveSliceInfo | None

    # What it is

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def dtype(self) -> DType:
        raise NotImplementedError

    @property
    def op(self) -> Operation:
        raise NotImplementedError

    @property
    def shape(self) -> TensorShape:
        raise NotImplementedError

    @property
    def graph(self) -> Graph:
        return self.op.graph

    @property
    def device(self) -> str:
        return self.op.device

    def get_shape(self) -> TensorShape:
        """The static shape, as far as it is known."""
        return self.shape

    @property
    def trainable(self) -> bool:
        return self._trainable

    @property
    def synchronization(self) -> distribution.VariableSynchronization:
        return self._synchronization

    @property
    def aggregation(self) -> distribution.VariableAggregation:
        return self._aggregation

    @property
    def initializer(self) -> Operation:
        """The operation that sets the initial value."""
        return self._initializer_op

    @property
    def initial_value(self) -> Tensor | None:
        """The tensor that the initializer sets it to."""
        return self._initial_value

    @property
    def constraint(self) -> Callable[..., Any] | None:
        return self._constraint

    @property
    def _shared_name(self) -> str:
        return self.name[: self.name.index(":")]

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def _ref(self) -> Tensor:
        """What an op that writes to the variable takes."""
        raise NotImplementedError

    # Its value

    def value(self) -> Tensor:
        """The tensor that reads it; always the same one for a reference variable."""
        raise NotImplementedError

    def _as_operand(self) -> Tensor:
        return self.value()

    def read_value(self) -> Tensor:
        """A new tensor that reads it, at the time that the control dependencies around say."""
        raise NotImplementedError

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A bool: has it a value?"""
        raise NotImplementedError

    def initialized_value(self) -> Tensor:
        """Its value, or the initial value where it is not initialized yet."""
        from evergraph.ops.cond import cond

        with lifted():
            value: Tensor = cond(self.is_initialized(), self.read_value, lambda: self.initial_value)
            return value

    def eval(self, session: Any = None) -> Any:
        """Its value in ``session``, or in the default one."""
        raise NotImplementedError

    def load(self, value: Any, session: Any = None) -> None:
        """Sets it to ``value`` (an array) in ``session``, or in the default one; adds nothing to
        the graph.

        Raises ValueError where there is no session.
        """
        session = session or default_session.get_default_session()
        if session is None:
            raise ValueError(
                "Either session argument should be provided or default session should be "
                "established"
            )
        session.run(self.initializer, {self.initializer.inputs[1]: value})

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Sets it to ``value``; the result is the variable after that, or the operation."""
        raise NotImplementedError

    def _strided_slice_assign(self, value: Any, name: str | None, **index: Any) -> Any:
        raise NotImplementedError

    # Protos

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The VariableDef; None where it is outside ``export_scope``."""
        raise NotImplementedError

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Any:
        """The variable of a VariableDef, whose nodes the graph has already."""
        from evergraph.variables.ref_variable import RefVariable
        from evergraph.variables.resource_variable import ResourceVariable

        kind = ResourceVariable if variable_def.is_resource else RefVariable
        return kind(variable_def=variable_def, import_scope=import_scope)

    def _set_save_slice_info(self, save_slice_info: save_slice.SaveSliceInfo | None) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> save_slice.SaveSliceInfo | None:
        return self._save_slice_info

    # Python

    def ref(self) -> Any:
        """A hashable stand-in (variables hash by identity here, so it is the variable)."""
        return self

    experimental_ref = ref

    def deref(self) -> Any:
        """What ``ref()`` stands for."""
        return self

    def __getitem__(self, key: Any) -> Tensor:
        from evergraph.ops.slicing import getitem

        return getitem(self.value(), key, self)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value())


def _convert(
    variable: Variable, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    if dtype is not None and not dtype.is_compatible_with(variable.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
            f"'{variable.dtype.name}' ({variable!r})"
        )
    return variable._ref() if as_ref else variable.value()


register_tensor_conversion_function(Variable, _convert)
