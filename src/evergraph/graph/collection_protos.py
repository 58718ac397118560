"""How the objects of a collection are written into a MetaGraph and read back.

A socket: the floors that own such objects (variables, control-flow contexts, queue runners) register their
converters here
under the collection's name, as TensorFlow's ``register_proto_function`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Converter(NamedTuple):
    """``to_proto(object, export_scope)`` -> message or None (outside the scope); ``from_proto(message,
    import_scope)``.
    """

    proto_type: Any
    to_proto: Callable[..., Any] | None
    from_proto: Callable[..., Any] | None


_converters: dict[str, Converter] = {}


def register_proto_function(
    collection_name: str,
    proto_type: Any = None,
    to_proto: Callable[..., Any] | None = None,
    from_proto: Callable[..., Any] | None = None,
) -> None:
    """Registers the converters of a collection. Raises TypeError for what is not callable, KeyError for a
    second time.
    """
    for function in (to_proto, from_proto):
        if function is not None and not callable(function):
            raise TypeError(f"{function!r} is not callable.")
    if collection_name in _converters:
        raise KeyError(f"collection '{collection_name}' has its converters already")
    _converters[collection_name] = Converter(proto_type, to_proto, from_proto)


def converter(collection_name: str) -> Converter | None:
    """The converters of a collection, or None where its items are written by what they are (nodes, bytes, numbers)."""
    return _converters.get(collection_name)


def get_collection_proto_type(collection_name: str) -> Any:
    """The message class of a collection, or None."""
    found = _converters.get(collection_name)
    return None if found is None else found.proto_type


def get_to_proto_function(collection_name: str) -> Callable[..., Any] | None:
    """The function from an object to its message, or None."""
    found = _converters.get(collection_name)
    return None if found is None else found.to_proto


def get_from_proto_function(collection_name: str) -> Callable[..., Any] | None:
    """The function from a message to its object, or None."""
    found = _converters.get(collection_name)
    return None if found is None else found.from_proto
