"""Updating some rows, or some elements, of an array in place: what the Scatter ops of variables
have in common.

``how`` is None (put the new value there; the last one wins) or a ufunc of (old, new). Where an
index comes twice, both updates count, one after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.shape import text

Array = Any


def divide(old: Array, new: Array) -> Array:
    """Division; of integers, as C does it: towards zero."""
    if old.dtype.kind not in "iu":
        return old / new
    quotient = np.abs(old) // np.abs(new)
    return np.where((old < 0) != (new < 0), -quotient, quotient).astype(old.dtype)


def check_divisor(updates: Array) -> None:
    """Raises InvalidArgumentError where integers would be divided by zero."""
    if updates.dtype.kind in "iu" and not np.all(updates):
        raise errors.InvalidArgumentError(None, None, "updates must not contain 0")


def update_rows(target: Array, indices: Array, updates: Array, how: Any, name: str) -> None:
    """Updates ``target[indices[i]]`` by ``updates[i]``, or all of these rows by the scalar
    ``updates``.

    Raises InvalidArgumentError for shapes that do not fit and for an index out of range; nothing is
    changed then.
    """
    indices, updates = np.asarray(indices), np.asarray(updates)
    if target.ndim < 1:
        raise errors.InvalidArgumentError(
            None, None, f"params must be at least 1-D, got shape [] (variable '{name}')"
        )
    if updates.ndim and updates.shape != indices.shape + target.shape[1:]:
        raise errors.InvalidArgumentError(
            None,
            None,
            "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], "
            f"got updates.shape {text(updates.shape)}, indices.shape {text(indices.shape)}, "
            f"params.shape {text(target.shape)} (variable '{name}')",
        )
    check_indices(indices, target.shape[0])
    flat = indices.reshape(-1)
    rows = updates.reshape(flat.shape + target.shape[1:]) if updates.ndim else updates
    _apply(target, (flat,), rows, how, flat)


def check_indices(indices: Array, limit: int) -> None:
    """Raises InvalidArgumentError for the first of ``indices`` outside ``[0, limit)``."""
    if indices.size and (indices.min() < 0 or indices.max() >= limit):
        wrong = np.argwhere((indices < 0) | (indices >= limit))[0]
        place = "[" + ",".join(str(i) for i in wrong) + "]" if indices.ndim else ""
        raise errors.InvalidArgumentError(
            None, None, f"indices{place} = {indices[tuple(wrong)]} is not in [0, {limit})"
        )


def update_elements(target: Array, indices: Array, updates: Array, how: Any, name: str) -> None:
    """Updates ``target[tuple(indices[i])]`` by ``updates[i]``; ``indices`` is [..., K], K at most
    ``target``'s rank.

    Raises InvalidArgumentError for shapes that do not fit and for an index out of range; nothing is
    changed then.
    """
    indices, updates = np.asarray(indices), np.asarray(updates)
    _check_update(target, indices, updates, name)
    depth = indices.shape[-1]
    count = int(np.prod(indices.shape[:-1], dtype=np.int64))
    rows = updates.reshape((count, *target.shape[depth:]))
    if depth == 0:
        # Every update is of the whole variable.
        for row in rows:
            target[...] = row if how is None else how(target, row)
        return
    columns = tuple(indices.reshape(count, depth).T)
    _apply(target, columns, rows, how, np.ravel_multi_index(columns, target.shape[:depth]))


def _check_update(target: Array, indices: Array, updates: Array, name: str) -> None:
    check_elements(target, indices, name)
    wanted = indices.shape[:-1] + target.shape[indices.shape[-1] :]
    if updates.shape != wanted:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"updates must have shape {text(wanted)}, indices.shape[:-1] + "
            f"params.shape[indices.shape[-1]:], got updates.shape {text(updates.shape)}, "
            f"indices.shape {text(indices.shape)}, params.shape {text(target.shape)} (variable "
            f"'{name}')",
        )


def check_elements(target: Array, indices: Array, name: str) -> None:
    """Raises InvalidArgumentError where a vector ``indices[i]`` is not a place in ``target``."""
    if indices.ndim < 1 or indices.shape[-1] > target.ndim:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"The innermost dimension of indices.shape {text(indices.shape)} must be at most the "
            f"rank of variable '{name}', which has shape {text(target.shape)}",
        )
    limits = np.array(target.shape[: indices.shape[-1]], np.int64)
    outside = ((indices < 0) | (indices >= limits)).any(axis=-1)
    if outside.any():
        wrong = tuple(int(i) for i in np.argwhere(outside)[0])
        place = "[" + ",".join(map(str, wrong)) + "]" if wrong else ""
        raise errors.InvalidArgumentError(
            None,
            None,
            f"indices{place} = {text(tuple(indices[wrong].tolist()))} does not index into shape "
            f"{text(target.shape)} (variable '{name}')",
        )


def _apply(target: Array, places: tuple[Array, ...], rows: Array, how: Any, keys: Array) -> None:
    """``target[places] = how(target[places], rows)``; equal ``keys`` are equal places."""
    if how is None:
        target[places] = rows
    elif _all_different(keys):
        target[places] = how(target[places], rows)
    elif isinstance(how, np.ufunc):
        how.at(target, places, rows)
    else:
        for number in range(keys.size):
            place = tuple(int(column[number]) for column in places)
            target[place] = how(target[place], rows[number] if rows.ndim else rows)


def _all_different(keys: Array) -> bool:
    ordered = np.sort(keys)
    return not np.any(ordered[1:] == ordered[:-1])
