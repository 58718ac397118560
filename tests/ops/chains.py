"""Rows for ops that make sense only together: arrays of tensors, stacks, loops.

    @chain("StackV2 StackPushV2 StackPopV2")
    def stack(g, T):
        handle = g.op("StackV2", g.const(3, "int32"), elem_type=T)
        pushed = g.op("StackPushV2", handle, g.const([1, 2], T))
        with g.after(pushed):
            return [g.op("StackPopV2", handle, elem_type=T)]

The same function builds the graph here and, by its source, in TensorFlow; what it returns is
fetched. It uses nothing but ``g`` and the name of a type: ``g.op`` (gives the one output, a list of
several, or the operation where there is none), ``g.const(value, dtype)``, ``g.after(*made)`` (control
dependencies), ``g.gradients(ys, xs)``, ``g.library(text)`` (functions, as a GraphDef in text form).
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Function = Callable[[Any, str], list[Any]]


@dataclass(frozen=True)
class Chain:
    """One chain: the ops that it proves, and the types it is tried on."""

    function: Function
    covers: tuple[str, ...]
    types: tuple[str, ...]
    producer: int
    runs: int

    @property
    def name(self) -> str:
        return "chain_" + self.function.__name__

    def cases(self) -> Iterator[dict[str, Any]]:
        """As plain data, for the recorder."""
        source = textwrap.dedent(inspect.getsource(self.function))
        for kind in self.types:
            yield {
                "chain": source[source.index("def ") :],
                "name": self.function.__name__,
                "label": f"{self.function.__name__} ({kind})",
                "T": kind,
                "producer": self.producer,
                "runs": self.runs,
            }


CHAINS: dict[str, Chain] = {}


def chain(
    covers: str, types: str = "float", producer: int = 0, runs: int = 2
) -> Callable[[Function], Function]:
    """Adds a chain. ``producer``: the version of graphs that still had these ops (0: today's)."""

    def add(function: Function) -> Function:
        found = Chain(function, tuple(covers.split()), tuple(types.split()), producer, runs)
        CHAINS[found.name] = found
        return function

    return add


def covered() -> set[str]:
    """The ops that chains prove."""
    return {op for one in CHAINS.values() for op in one.covers}
