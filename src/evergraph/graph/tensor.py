"""Tensor: one output of an Operation, a name for a value that a run will have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.graph import default_session
from evergraph.graph.shape import Dims, TensorShape, as_dims, merge

if TYPE_CHECKING:
    from evergraph.graph.graph import Graph
    from evergraph.graph.operation import Operation

#: The Python operators of a Tensor; the ops floor plugs them in (``Tensor.override_operator``).
OPERATORS = frozenset(
    [
        "__add__",
        "__radd__",
        "__sub__",
        "__rsub__",
        "__mul__",
        "__rmul__",
        "__div__",
        "__rdiv__",
        "__truediv__",
        "__rtruediv__",
        "__floordiv__",
        "__rfloordiv__",
        "__mod__",
        "__rmod__",
        "__pow__",
        "__rpow__",
        "__matmul__",
        "__rmatmul__",
        "__neg__",
        "__abs__",
        "__invert__",
        "__and__",
        "__rand__",
        "__or__",
        "__ror__",
        "__xor__",
        "__rxor__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__getitem__",
    ]
)


class Tensor:
    """The value that output ``value_index`` of ``op`` will have in a run; it holds no data."""

    #: What programs hang on a tensor (``_keras_shape``, ``assign`` ...) goes into a dict that is made when first used.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_consumers",
        "_dims",
        "_dtype",
        "_known_value",
        "_op",
        "_value_index",
    )
    #: Makes NumPy leave ``array + tensor`` to the Tensor.
    __array_priority__ = 100
    OVERLOADABLE_OPERATORS: ClassVar[frozenset[str]] = OPERATORS

    if TYPE_CHECKING:
        # What the ops floor plugs in.
        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __rmod__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __rmatmul__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __getitem__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...

    def __init__(self, op: Operation, value_index: int, dtype: DType, dims: Dims = None) -> None:
        self._op = op
        self._value_index = value_index
        self._dtype = dtype
        self._dims = dims
        self._consumers: list[Operation] = []
        #: The value, once shape inference has found it constant (see constant_value).
        self._known_value: Any = None

    @property
    def op(self) -> Operation:
        return self._op

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def graph(self) -> Graph:
        return self._op.graph

    @property
    def value_index(self) -> int:
        return self._value_index

    @property
    def name(self) -> str:
        return f"{self._op.name}:{self._value_index}"

    @property
    def device(self) -> str:
        return self._op.device

    @property
    def dims(self) -> Dims:
        """The static shape in its plain form: None, or a tuple of int/None."""
        return self._dims

    @property
    def shape(self) -> TensorShape:
        return TensorShape._of(self._dims)

    def get_shape(self) -> TensorShape:
        """The static shape, as far as it is known."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds what is known of the static shape. Raises ValueError where it contradicts what was known."""
        try:
            dims = merge(self._dims, as_dims(shape))
        except ValueError as error:
            raise ValueError(f"{error} (in set_shape of '{self.name}')") from None
        if dims != self._dims:
            self._dims = dims
            self._op._graph.annotations += 1

    @property
    def ndim(self) -> int | None:
        return None if self._dims is None else len(self._dims)

    def consumers(self) -> list[Operation]:
        """The operations that have this tensor as an input."""
        return list(self._consumers)

    def _as_node_def_input(self) -> str:
        return self.name if self._value_index else self._op.name

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, in ``session`` or the default one. Raises ValueError where there is none."""
        return default_session.resolve(session, self.graph, "evaluate tensor").run(self, feed_dict)

    def experimental_ref(self) -> Any:
        """A hashable stand-in (Tensors hash by identity here, so it is the tensor)."""
        return self

    ref = experimental_ref

    def __str__(self) -> str:
        shape = f", shape={self.shape}" if self._dims is not None else ""
        device = f", device={self.device}" if self.device else ""
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name}{device})'

    def __repr__(self) -> str:
        shape = "<unknown>" if self._dims is None else str(self.shape)
        return f"<tf.Tensor '{self.name}' shape={shape} dtype={self._dtype.name}>"

    def __iter__(self) -> Iterator[Any]:
        raise errors.OperatorNotAllowedInGraphError(
            f"iterating over '{self.name}' is not allowed: a Tensor has no values before a run; "
            "use tf.unstack, tf.map_fn or tf.while_loop"
        )

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for a symbolic Tensor ({self.name}). "
            "Please call `x.shape` rather than `len(x)` for shape information."
        )

    def __bool__(self) -> bool:
        raise errors.OperatorNotAllowedInGraphError(
            f"Using a `tf.Tensor` ('{self.name}') as a Python `bool` is not allowed: it has no value before a run. "
            "Use `if t is not None:` to test if a tensor is defined, and tf.cond to choose by its value."
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array: run it in a session first."
        )

    @classmethod
    def override_operator(cls, operator: str, function: Callable[..., Any]) -> None:
        """Plugs in a Python operator. Raises ValueError for one that is not in OPERATORS or is there already."""
        if operator not in OPERATORS:
            raise ValueError(f"Overriding {operator} is disallowed.")
        if operator in cls.__dict__:
            raise ValueError(f"{operator} cannot be overwritten again.")
        setattr(cls, operator, function)

    _override_operator = override_operator
