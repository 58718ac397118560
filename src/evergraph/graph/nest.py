"""Nested structures: lists, tuples, named tuples, dicts and attrs classes with values at their leaves (``tf.nest``).

A *composite* is a leaf that stands for several tensors (IndexedSlices, a sparse tensor); with ``expand_composites``
it is taken apart as well. Floors that own such types say how: ``register_composite``. Dicts are visited in the order
of their sorted keys, as TensorFlow does.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Composite(NamedTuple):
    """How a type that stands for several tensors is taken apart and put together.

    ``invariant(shape)``: the shapes of its parts as a loop variable, from the shape that ``shape_invariants`` gives
    for it.
    """

    parts: Callable[[Any], Sequence[Any]]
    rebuild: Callable[[Any, Sequence[Any]], Any]
    invariant: Callable[[Any], Sequence[Any]]


_composites: dict[type, Composite] = {}


def register_composite(
    kind: type,
    parts: Callable[[Any], Sequence[Any]],
    rebuild: Callable[[Any, Sequence[Any]], Any],
    invariant: Callable[[Any], Sequence[Any]],
) -> None:
    """Makes ``kind`` a composite: ``parts(value)`` gives its tensors, ``rebuild(like, tensors)`` one with others."""
    _composites[kind] = Composite(parts, rebuild, invariant)


def composite(value: Any) -> Composite | None:
    """How ``value`` is taken apart, or None where it does not stand for several tensors."""
    return next((found for kind, found in _composites.items() if isinstance(value, kind)), None)


def is_composite(value: Any) -> bool:
    """True for a value that stands for several tensors."""
    return composite(value) is not None


def is_nested(value: Any) -> bool:
    """True for a list, tuple, mapping or attrs object (not for strings and sets)."""
    return isinstance(value, (list, tuple, Mapping)) or hasattr(type(value), "__attrs_attrs__")


def _is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _children(value: Any, expand_composites: bool) -> list[Any] | None:
    """The values directly in ``value``; None where it is a leaf."""
    if isinstance(value, Mapping):
        return [value[key] for key in _sorted_keys(value)]
    if isinstance(value, (list, tuple)):
        return list(value)
    if hasattr(type(value), "__attrs_attrs__"):
        return [getattr(value, field.name) for field in type(value).__attrs_attrs__]
    found = composite(value) if expand_composites else None
    return None if found is None else list(found.parts(value))


def _sorted_keys(value: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        raise TypeError("nest only supports dicts with sortable keys.") from None


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves of ``structure``, in order; a leaf itself gives ``[leaf]``."""
    return list(_leaves(structure, expand_composites))


def _leaves(value: Any, expand_composites: bool) -> Iterator[Any]:
    children = _children(value, expand_composites)
    if children is None:
        yield value
        return
    for child in children:
        yield from _leaves(child, expand_composites)


def pack_sequence_as(
    structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False
) -> Any:
    """``flat_sequence`` in the form of ``structure``. Raises ValueError where their sizes differ, TypeError for no
    list."""
    if not isinstance(flat_sequence, (list, tuple)):
        raise TypeError(
            f"Attempted to pack value:\n  {flat_sequence}\ninto a structure, but found type {type(flat_sequence)}"
        )
    expected = len(flatten(structure, expand_composites))
    if expected != len(flat_sequence):
        raise ValueError(
            "Could not pack sequence. "
            f"Structure had {expected} atoms, but flat_sequence had {len(flat_sequence)} items.  "
            f"Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return _pack(structure, iter(flat_sequence), expand_composites)


def _pack(structure: Any, leaves: Iterator[Any], expand_composites: bool) -> Any:
    children = _children(structure, expand_composites)
    if children is None:
        return next(leaves)
    return _rebuild(structure, [_pack(child, leaves, expand_composites) for child in children])


def _rebuild(like: Any, children: list[Any]) -> Any:
    """``children`` in a container of the kind of ``like``."""
    if isinstance(like, Mapping):
        by_key = dict(zip(_sorted_keys(like), children, strict=True))
        pairs = [(key, by_key[key]) for key in like]
        if isinstance(like, defaultdict):
            return type(like)(like.default_factory, pairs)
        return type(like)(pairs) if isinstance(like, (dict, OrderedDict)) else dict(pairs)
    if _is_namedtuple(like):
        return type(like)(*children)
    if isinstance(like, (list, tuple)):
        return type(like)(children)
    if hasattr(type(like), "__attrs_attrs__"):
        return type(like)(*children)
    found = composite(like)
    assert found is not None  # _children has taken it apart
    return found.rebuild(like, children)


def map_structure(
    function: Callable[..., Any],
    *structures: Any,
    check_types: bool = True,
    expand_composites: bool = False,
) -> Any:
    """``function`` of the leaves of ``structures``, leaf by leaf, in the form of the first.

    Raises TypeError or ValueError where the structures differ.
    """
    if not callable(function):
        raise TypeError(f"Argument `func` must be callable, got: {function}")
    if not structures:
        raise ValueError("Must provide at least one structure")
    for other in structures[1:]:
        assert_same_structure(structures[0], other, check_types, expand_composites)
    columns = [flatten(structure, expand_composites) for structure in structures]
    results = [function(*leaves) for leaves in zip(*columns, strict=True)]
    return pack_sequence_as(structures[0], results, expand_composites)


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raises ValueError where one is nested and the other is not, or they have other lengths; TypeError for other
    types."""
    try:
        _compare(nest1, nest2, check_types, expand_composites)
    except (TypeError, ValueError) as error:
        raise type(error)(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: type={type(nest1).__name__} str={nest1}\n\n"
            f"Second structure: type={type(nest2).__name__} str={nest2}\n\n"
            f"More specifically: {error}"
        ) from None


def _compare(one: Any, other: Any, check_types: bool, expand_composites: bool) -> None:
    first, second = _children(one, expand_composites), _children(other, expand_composites)
    if first is None and second is None:
        return
    if first is None or second is None:
        nested, leaf = (other, one) if first is None else (one, other)
        raise ValueError(
            f'Substructure "type={type(nested).__name__} str={nested}" is a sequence, '
            f'while substructure "type={type(leaf).__name__} str={leaf}" is not'
        )
    if check_types and not _same_kind(one, other):
        raise TypeError(f"{one} is of type {type(one)}, {other} of type {type(other)}")
    if isinstance(one, Mapping) and set(one) != set(other):
        raise ValueError(f"the keys {list(one)} and {list(other)} differ")
    if len(first) != len(second):
        raise ValueError(f"{len(first)} elements, and {len(second)}: {one} and {other}")
    for a, b in zip(first, second, strict=True):
        _compare(a, b, check_types, expand_composites)


def _same_kind(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return True
    if _is_namedtuple(one) and _is_namedtuple(other):
        # Two classes of the same name and fields are as good as one: programs define them anew in functions.
        return type(one).__name__ == type(other).__name__ and one._fields == other._fields
    return type(one) is type(other) or (is_composite(one) and is_composite(other))


def flatten_up_to(shallow: Any, deep: Any) -> list[Any]:
    """The parts of ``deep`` that stand where ``shallow`` has its leaves. Raises ValueError or TypeError where it
    does not fit."""
    children = _children(shallow, False)
    if children is None:
        return [deep]
    parts = _children(deep, False)
    if parts is None or len(parts) != len(children):
        raise ValueError(f"{deep!r} does not have the structure {shallow!r}")
    return [
        leaf
        for child, part in zip(children, parts, strict=True)
        for leaf in flatten_up_to(child, part)
    ]


def map_structure_up_to(shallow: Any, function: Callable[..., Any], *structures: Any) -> Any:
    """``function`` of the parts of ``structures`` where ``shallow`` has its leaves, in the form of ``shallow``."""
    columns = [flatten_up_to(shallow, structure) for structure in structures]
    return pack_sequence_as(shallow, [function(*parts) for parts in zip(*columns, strict=True)])
