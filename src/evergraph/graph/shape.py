"""Static shapes: ``Dims``, the plain form that shape rules work on, and TensorShape / Dimension, the form users see.

Inside evergraph a static shape is ``None`` (nothing known) or a tuple with one entry a dimension, ``None``
where its size
is unknown. TensorShape and Dimension wrap that with the behaviour of TensorFlow 1: indexing gives a Dimension, unknown
sizes compare as ``None``, and anything that cannot be told from what is known is ``None`` rather than a guess.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from evergraph import errors

Dims: TypeAlias = "tuple[int | None, ...] | None"


def as_dims(value: Any) -> Dims:
    """Reads ``value`` (TensorShape, TensorShapeProto, None, an int, a sequence of ints/None/Dimension) as Dims."""
    if value is None:
        return None
    if type(value) is tuple and all(d is None or type(d) is int for d in value):
        return tuple(None if d is None or d < 0 else d for d in value)
    if isinstance(value, TensorShape):
        return value.dims_or_none
    if hasattr(value, "unknown_rank"):
        if value.unknown_rank:
            return None
        return tuple(d.size if d.size >= 0 else None for d in value.dim)
    if isinstance(value, Dimension):
        return (value.value,)
    if hasattr(value, "__iter__"):
        return tuple(_as_size(d) for d in value)
    return (_as_size(value),)


def _as_size(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, Dimension):
        return value.value
    if isinstance(value, (str, bytes)):
        raise TypeError(f"Dimension value must be an integer or None, got {value!r}")
    try:
        size = operator.index(value)
    except TypeError:
        if not (hasattr(value, "shape") and not value.shape) and not hasattr(value, "is_integer"):
            raise TypeError(
                f"Dimension value must be an integer or None or have an __index__ method, got {value!r}"
            ) from None
        size = int(value)
        if size != value:
            raise ValueError(f"Ambiguous dimension: {value}") from None
    if size < -1:
        raise ValueError(f"Dimension {size} must be >= 0")
    return None if size == -1 else size


def is_fully_defined(dims: Dims) -> bool:
    """True where rank and every size are known."""
    return dims is not None and None not in dims


def compatible(a: Dims, b: Dims) -> bool:
    """True where one concrete shape could be both."""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(
        x is None or y is None or x == y for x, y in zip(a, b, strict=True)
    )


def merge(a: Dims, b: Dims) -> Dims:
    """What is known when both hold. Raises ValueError where they contradict each other."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if not compatible(a, b):
        raise ValueError(f"Shapes {text(a)} and {text(b)} are not compatible")
    return tuple(y if x is None else x for x, y in zip(a, b, strict=True))


def weaken(a: Dims, b: Dims) -> Dims:
    """The most that is true of both: sizes in which they differ become unknown."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


def broadcast(a: Dims, b: Dims) -> Dims:
    """The shape of an element-wise result of two operands. Raises ValueError where they do not broadcast."""
    if a == b and is_fully_defined(a):
        return a
    if a is None or b is None:
        return None
    rank = max(len(a), len(b))
    result: list[int | None] = []
    for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if x is None or y is None:
            known = y if x is None else x
            result.append(None if known == 1 else known)
        elif x == 1 or x == y:
            result.append(y)
        elif y == 1:
            result.append(x)
        else:
            raise ValueError(f"Incompatible shapes for broadcasting: {text(a)} and {text(b)}")
    return tuple(result)


def text(dims: Dims) -> str:
    """The short form used in messages: ``[2,?,3]``, ``<unknown>``."""
    if dims is None:
        return "<unknown>"
    return "[" + ",".join("?" if d is None else str(d) for d in dims) + "]"


class Dimension:
    """One size of a TensorShape: an int, or unknown (``value`` is None)."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value: int | None = _as_size(value)

    @property
    def value(self) -> int | None:
        return self._value

    def __repr__(self) -> str:
        return f"Dimension({self._value})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._compare(other, operator.ne)

    def __lt__(self, other: object) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: object) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: object) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: object) -> Any:
        return self._compare(other, operator.ge)

    def _compare(self, other: object, test: Callable[[Any, Any], bool]) -> Any:
        try:
            size = as_dimension(other).value
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or size is None:
            return None
        return test(self._value, size)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __int__(self) -> int:
        return self._value  # type: ignore[return-value]  # int() itself refuses None, as TensorFlow's does

    def __index__(self) -> int:
        return self._value  # type: ignore[return-value]

    def __hash__(self) -> int:
        if self._value is None:
            raise ValueError("Unable to hash Dimension with value 'None'")
        return hash(self._value)

    def is_compatible_with(self, other: Any) -> bool:
        """True where both could be the same size."""
        size = as_dimension(other).value
        return self._value == size or self._value is None or size is None

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless ``is_compatible_with(other)``."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """The more exact of the two. Raises ValueError where they differ."""
        self.assert_is_compatible_with(other)
        return as_dimension(other) if self._value is None else Dimension(self._value)

    def _arithmetic(self, other: Any, compute: Callable[[int, int], int]) -> Dimension:
        size = as_dimension(other).value
        if self._value is None or size is None:
            return Dimension(None)
        return Dimension(compute(self._value, size))

    def __add__(self, other: Any) -> Dimension:
        return self._arithmetic(other, operator.add)

    def __radd__(self, other: Any) -> Dimension:
        return self + other

    def __sub__(self, other: Any) -> Dimension:
        return self._arithmetic(other, operator.sub)

    def __rsub__(self, other: Any) -> Dimension:
        return as_dimension(other) - self

    def __mul__(self, other: Any) -> Dimension:
        return self._arithmetic(other, operator.mul)

    def __rmul__(self, other: Any) -> Dimension:
        return self * other

    def __floordiv__(self, other: Any) -> Dimension:
        return self._arithmetic(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Dimension:
        return as_dimension(other) // self

    # TensorFlow 1 scripts (Python 2) wrote ``dim / 2`` and meant whole numbers.
    __div__ = __floordiv__

    def __truediv__(self, other: Any) -> Dimension:
        raise TypeError(
            f"unsupported operand type(s) for /: 'Dimension' and '{type(other).__name__}', "
            "please use // instead"
        )

    def __mod__(self, other: Any) -> Dimension:
        return self._arithmetic(other, operator.mod)

    def __rmod__(self, other: Any) -> Dimension:
        return as_dimension(other) % self

    def __reduce__(self) -> tuple[Any, ...]:
        return Dimension, (self._value,)


def as_dimension(value: Any) -> Dimension:
    """``value`` as a Dimension (an int, None, or a Dimension already)."""
    return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension: Any) -> int | None:
    """The size behind a Dimension, an int or None."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


class TensorShape:
    """A possibly partial shape, with TensorFlow 1's behaviour: ``shape[0]`` is a Dimension,
    ``shape[0].value`` its size.
    """

    __slots__ = ("dims_or_none",)

    def __init__(self, dims: Any) -> None:
        self.dims_or_none: Dims = as_dims(dims)

    @classmethod
    def _of(cls, dims: Dims) -> TensorShape:
        shape = cls.__new__(cls)
        shape.dims_or_none = dims
        return shape

    @property
    def rank(self) -> int | None:
        return None if self.dims_or_none is None else len(self.dims_or_none)

    @property
    def ndims(self) -> int | None:
        return self.rank

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self.dims_or_none is None else [Dimension(d) for d in self.dims_or_none]

    def __repr__(self) -> str:
        dims = self.dims
        return f"TensorShape({dims})" if dims is not None else "TensorShape(None)"

    def __str__(self) -> str:
        dims = self.dims_or_none
        if dims is None:
            return "<unknown>"
        if len(dims) == 1:
            return f"({'?' if dims[0] is None else dims[0]},)"
        return "(" + ", ".join("?" if d is None else str(d) for d in dims) + ")"

    def __len__(self) -> int:
        return len(self._known())

    def __bool__(self) -> bool:
        return self.dims_or_none is not None

    def __iter__(self) -> Iterator[Dimension]:
        return iter([Dimension(d) for d in self._known()])

    def _known(self) -> tuple[int | None, ...]:
        if self.dims_or_none is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return self.dims_or_none

    def __getitem__(self, key: Any) -> Any:
        if self.dims_or_none is not None:
            part = self.dims_or_none[key]
            return TensorShape._of(part) if isinstance(key, slice) else Dimension(part)
        if not isinstance(key, slice):
            return Dimension(None)
        start = key.start or 0
        if key.step is not None or key.stop is None or key.stop < 0 or start < 0:
            return TensorShape(None)
        return TensorShape._of((None,) * max(0, key.stop - start))

    def __eq__(self, other: object) -> Any:
        try:
            return self.dims_or_none == as_dims(other)
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self.dims_or_none)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def concatenate(self, other: Any) -> TensorShape:
        """This shape followed by ``other``; unknown where either is."""
        more = as_dims(other)
        if self.dims_or_none is None or more is None:
            return TensorShape(None)
        return TensorShape._of(self.dims_or_none + more)

    def num_elements(self) -> int | None:
        """The number of elements, or None where it is not fully known."""
        if not is_fully_defined(self.dims_or_none):
            return None
        size = 1
        for d in self.dims_or_none or ():
            size *= d  # type: ignore[operator]  # fully defined
        return size

    def is_fully_defined(self) -> bool:
        return is_fully_defined(self.dims_or_none)

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError unless every size is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        """True where one concrete shape could be both."""
        return compatible(self.dims_or_none, as_dims(other))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless ``is_compatible_with(other)``."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {as_shape(other)} are incompatible")

    def merge_with(self, other: Any) -> TensorShape:
        """What is known when both hold. Raises ValueError where they contradict each other."""
        try:
            return TensorShape._of(merge(self.dims_or_none, as_dims(other)))
        except ValueError:
            raise ValueError(f"Shapes {self} and {as_shape(other)} are not compatible") from None

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The most exact shape that both are instances of."""
        return TensorShape._of(weaken(self.dims_or_none, as_dims(other)))

    def assert_same_rank(self, other: Any) -> None:
        """Raises ValueError where both ranks are known and differ."""
        rank = as_shape(other).rank
        if self.rank is not None and rank is not None and self.rank != rank:
            raise ValueError(f"Shapes {self} and {as_shape(other)} must have the same rank")

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, known to have ``rank`` dimensions. Raises ValueError where it has not."""
        try:
            return self.merge_with(unknown_shape(rank))
        except ValueError:
            raise ValueError(f"Shape {self} must have rank {rank}") from None

    def assert_has_rank(self, rank: int) -> None:
        """Raises ValueError where the rank is known and is not ``rank``."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError where it has fewer than ``rank`` dimensions."""
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError where it has more than ``rank`` dimensions."""
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def as_list(self) -> list[int | None]:
        """Sizes as ints and None. Raises ValueError where the rank is unknown."""
        if self.dims_or_none is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self.dims_or_none)

    def as_proto(self) -> Any:
        """This shape as a TensorShapeProto."""
        return dims_to_proto(self.dims_or_none)

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorShape, (self.dims_or_none,)


def dims_to_proto(dims: Dims, into: Any = None) -> Any:
    """``dims`` as a TensorShapeProto (-1 for an unknown size); fills ``into`` where given."""
    if into is None:
        from evergraph.formats.protos import TensorShapeProto

        into = TensorShapeProto()
    if dims is None:
        into.unknown_rank = True
    else:
        for d in dims:
            into.dim.add().size = -1 if d is None else d
    return into


def as_shape(value: Any) -> TensorShape:
    """``value`` as a TensorShape."""
    return value if isinstance(value, TensorShape) else TensorShape(value)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """A shape of which at most the rank is known."""
    return TensorShape._of(None if rank is None else (None,) * rank)


def scalar() -> TensorShape:
    """The shape of a single value."""
    return TensorShape._of(())


def vector(length: Any) -> TensorShape:
    """The shape of a row of ``length`` values."""
    return TensorShape([length])


def matrix(rows: Any, columns: Any) -> TensorShape:
    """The shape of a table."""
    return TensorShape([rows, columns])


def known_sizes(shape: Any) -> list[int]:
    """The sizes of a shape. Raises ValueError where one is not known."""
    known = TensorShape(shape)
    known.assert_is_fully_defined()
    return [size for size in known.as_list() if size is not None]


def product(sizes: Iterable[int | None]) -> int | None:
    """The product of sizes; None where one is unknown (unless another is zero)."""
    result: int | None = 1
    for size in sizes:
        if size == 0:
            return 0
        result = None if result is None or size is None else result * size
    return result


def with_rank(dims: Dims, rank: int) -> tuple[int | None, ...]:
    """``dims`` known to have ``rank``; unknown sizes where nothing is known. Raises ValueError where it has not."""
    if dims is None:
        return (None,) * rank
    if len(dims) != rank:
        raise ValueError(f"Shape must be rank {rank} but is rank {len(dims)}")
    return dims


def check_axis(axis: int, rank: int) -> int:
    """``axis`` counted from the front. Raises InvalidArgumentError where it is outside ``[-rank, rank)``."""
    if not -rank <= axis < rank:
        raise errors.InvalidArgumentError(
            None, None, f"Expected dimension in the range [{-rank}, {rank}) but got {axis}"
        )
    return axis + rank if axis < 0 else axis


def from_partial_values(values: Sequence[int | None] | None) -> Dims:
    """The shape that a (partly) known vector of sizes stands for; -1 is unknown."""
    if values is None:
        return None
    return tuple(None if v is None or v < 0 else v for v in values)
