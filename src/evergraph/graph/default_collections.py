"""The collections of the default graph."""

from __future__ import annotations

from typing import Any

from evergraph.graph.default_graph import get_default_graph


def add_to_collection(name: Any, value: Any) -> None:
    """Adds ``value`` to the collection ``name`` of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Adds ``value`` to each of the collections ``names`` of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """The values in the collection ``key``, those whose names begin like ``scope`` only; a copy."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    """The collection ``key`` itself: what is done to this list is done to it."""
    return get_default_graph().get_collection_ref(key)


def get_all_collection_keys() -> list[str]:
    """The names of the default graph's collections."""
    return get_default_graph().get_all_collection_keys()
