"""Frames: which loop an operation runs in, and in which order the parts of a loop run.

An Enter leads into a loop, an Exit out of it; everything between runs once in each iteration. Which loop that is is
the same in every run, so it is settled when a plan is made: the graph is taken apart into a tree of frames, and each
frame is put into an order in which a loop within it is one item, as if it were an operation.

A loop is what hangs together: two loops of the same ``frame_name`` side by side (a graph that was imported twice) are
two. An operation may use values of the frames around its own, as it may use a fed tensor: they are the same in all
iterations.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from evergraph import errors
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime.prune import NEXT_ITERATION, predecessors

ENTER = frozenset(("Enter", "RefEnter"))
EXIT = frozenset(("Exit", "RefExit"))


class Frame:
    """A loop, or (``outer`` is None) the graph around all loops."""

    __slots__ = ("_joined", "_outer", "depth", "enters", "items", "members", "name")

    def __init__(self, outer: Frame | None, name: str) -> None:
        self._outer = outer
        self.name = name
        self.depth: int = 0 if outer is None else outer.depth + 1
        self._joined: Frame | None = None
        #: The Enters that lead in; they stand in the frame around.
        self.enters: list[Operation] = []
        #: The operations that run in every iteration (Enters of loops within are not among them), and the loops within.
        self.members: list[Item] = []
        #: The members in the order in which they run.
        self.items: list[Item] = []

    def current(self) -> Frame:
        """The frame that this one has turned out to be a part of."""
        frame = self
        while frame._joined is not None:
            frame = frame._joined
        return frame

    @property
    def outer(self) -> Frame | None:
        return None if self._outer is None else self._outer.current()

    def join(self, other: Frame) -> bool:
        """Makes two parts of one loop one; False where they are parts of different loops."""
        one, other = self.current(), other.current()
        if one is other:
            return True
        if one._outer is None or other._outer is None or one.name != other.name:
            return False
        if not one._outer.join(other._outer):
            return False
        one._joined = other
        return True

    def at_depth(self, depth: int) -> Frame:
        """The frame around this one (or itself) that lies ``depth`` deep."""
        frame = self.current()
        while frame.depth > depth:
            frame = frame._outer.current()  # type: ignore[union-attr]  # only the outermost has none
        return frame


Item = Operation | Frame


class Placement:
    """The frames of a plan's operations: ``root``, for each operation its own frame, and the one that its outputs
    are in."""

    def __init__(self, order: Sequence[Operation], fed: set[Tensor]) -> None:
        self.root = Frame(None, "")
        self._own: dict[Operation, Frame] = {}
        self._result: dict[Operation, Frame] = {}
        ops = set(order)
        edges = [(op, predecessors(op, ops, fed)) for op in order]
        for op, before in edges:
            self._place(op, before)
        for op in order:
            self._place_way_around(op, fed)
        self._fill(order)
        self._sort(edges)

    def own(self, op: Operation) -> Frame:
        """The frame that ``op`` runs in; for an Enter, the one around its loop."""
        return self._own[op].current()

    def result(self, op: Operation) -> Frame:
        """The frame that the outputs of ``op`` are in."""
        return self._result[op].current()

    def _place(self, op: Operation, before: Sequence[Operation]) -> None:
        own = self.root
        for source in before:
            own = self._innermost(op, own, self.result(source))
        self._own[op] = self._result[op] = own
        if op.type in ENTER:
            self._result[op] = Frame(own, op.attrs["frame_name"])
        elif op.type in EXIT:
            if own.outer is None:
                raise errors.InvalidArgumentError(
                    op.node_def, op, f"'{op.name}' ({op.type}) is in no loop that it could leave"
                )
            self._result[op] = own.outer

    def _place_way_around(self, op: Operation, fed: set[Tensor]) -> None:
        """What goes around to the head of a loop runs in that loop, also where it comes from outside of it."""
        for tensor in op._inputs:
            source = tensor.op
            if source.type in NEXT_ITERATION and tensor not in fed:
                frame = self._innermost(source, self.own(op), self.own(source))
                self._own[source] = self._result[source] = frame

    def _innermost(self, op: Operation, one: Frame, other: Frame) -> Frame:
        if one.depth > other.depth:
            one, other = other, one
        if not other.at_depth(one.depth).join(one):
            raise errors.InvalidArgumentError(
                op.node_def,
                op,
                f"'{op.name}' ({op.type}) has inputs from different loops ('{one.name}' and '{other.name}'); "
                "what leaves a loop has to go through an Exit",
            )
        return other.current()

    def _fill(self, order: Sequence[Operation]) -> None:
        seen = {self.root}
        for op in order:
            frame = self.own(op)
            if op.type in ENTER:
                frame = self.result(op)
                frame.enters.append(op)
            else:
                frame.members.append(op)
            while frame not in seen:
                seen.add(frame)
                around = frame.outer
                assert around is not None  # the root was seen from the start
                around.members.append(frame)
                frame = around

    def _item(self, op: Operation, frame: Frame) -> Item:
        """The member of ``frame`` that ``op`` is, or is in."""
        inside = self.result(op) if op.type in ENTER else self.own(op)
        return op if inside is frame else inside.at_depth(frame.depth + 1)

    def _sort(self, edges: Sequence[tuple[Operation, Sequence[Operation]]]) -> None:
        waits: dict[Item, int] = {}
        followers: dict[Item, list[Item]] = {}
        for op, before in edges:
            for source in before:
                if source.type in ENTER:
                    continue  # It is there when the iteration begins.
                frame = self.result(source)
                producer = self._item(source, frame)
                consumer = self._item(op, frame)
                if producer is consumer:
                    raise errors.InvalidArgumentError(
                        op.node_def,
                        op,
                        f"the loop that '{op.name}' leads into needs its own result, '{source.name}'",
                    )
                followers.setdefault(producer, []).append(consumer)
                waits[consumer] = waits.get(consumer, 0) + 1
        stack = [self.root]
        while stack:
            frame = stack.pop()
            frame.items = _in_order(frame, waits, followers)
            stack.extend(item for item in frame.items if isinstance(item, Frame))


def _in_order(
    frame: Frame, waits: dict[Item, int], followers: dict[Item, list[Item]]
) -> list[Item]:
    """The members of ``frame``, each after what it depends on: in order of creation, those that may wait last."""
    ready = [(*_priority(item), item) for item in frame.members if not waits.get(item)]
    heapq.heapify(ready)
    result: list[Item] = []
    while ready:
        item = heapq.heappop(ready)[-1]
        result.append(item)
        for follower in followers.get(item, ()):
            waits[follower] -= 1
            if not waits[follower]:
                heapq.heappush(ready, (*_priority(follower), follower))
    if len(result) < len(frame.members):
        stuck = [member.name for member in frame.members if waits.get(member)]
        raise errors.InvalidArgumentError(
            None, None, f"{len(stuck)} nodes wait for each other, among them {stuck[:5]}"
        )
    return result


def _priority(item: Item) -> tuple[bool, int]:
    if isinstance(item, Operation):
        return item.declaration is not None and item.declaration.blocking, item._id
    inside = [_priority(member) for member in item.members]
    first = min(op._id for op in item.enters)
    return any(blocking for blocking, _ in inside), first
