"""The steps that choose between branches; each is a function of the list of value slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors

Call = Callable[[list[Any]], None]


def read(source: int, target: int) -> Call:
    """The value of the variable whose cell is in ``source``."""

    def step(values: list[Any]) -> None:
        values[target] = values[source].read()

    return step


def join(target: int, parts: Sequence[int]) -> Call:
    """A guard that holds where all of ``parts`` do."""

    first, *others = parts

    def step(values: list[Any]) -> None:
        holds = values[first]
        for part in others:
            holds = holds and values[part]
        values[target] = holds

    return step


def choose(chooser: int, guards: Sequence[int], known_scalar: bool) -> Call:
    """Sets the guard of the branch that the value in ``chooser`` takes: false or true, or its number."""
    if len(guards) == 2 and known_scalar:
        false, true = guards

        def step(values: list[Any]) -> None:
            values[true if values[chooser] else false] = True

        return step
    last = len(guards) - 1

    def checked_step(values: list[Any]) -> None:
        value = values[chooser]
        if np.ndim(value) != 0:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"The second input must be a scalar, but it has shape {list(np.shape(value))}",
            )
        # A number that no branch has means the last one.
        taken = int(value)
        values[guards[taken if 0 <= taken <= last else last]] = True

    return checked_step


def merge(
    sources: Sequence[tuple[int, int]], output: int, index: int | None, alive: int | None
) -> Call:
    """Hands on the first of ``sources`` (guard, slot) that is alive, and its index; sets the guard ``alive`` if
    there is one.

    Where ``alive`` is None one of them is known to be.
    """
    if len(sources) == 2 and index is None and alive is None:
        (guard, first), (_, second) = sources

        def step(values: list[Any]) -> None:
            values[output] = values[first if values[guard] else second]

        return step

    def general_step(values: list[Any]) -> None:
        for position, (guard, slot) in enumerate(sources):
            if values[guard]:
                values[output] = values[slot]
                if index is not None:
                    values[index] = np.int32(position)
                if alive is not None:
                    values[alive] = True
                return

    return general_step
