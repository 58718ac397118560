"""Dataflow plans: for subgraphs with control flow (Switch, Merge, Enter, Exit, NextIteration) or with ops that wait.

A node runs when its inputs are there. A value may be *dead*: the branch of a Switch that was not taken; a node with a dead
input does not run and its outputs are dead, except Merge, which wants one live input. Loops run in *frames*: Enter puts a
value into a frame's iteration 0, NextIteration into the next iteration, Exit back into the frame outside. Source: the
execution model of TensorFlow's control flow ("Implementation of Control Flow in TensorFlow", Yuan Yu et al., 2017).

Which frame a node belongs to is the same in every run, so it is settled when the plan is made; an iteration of a frame is
then a few flat lists. Ready nodes run in order of creation within what is ready; ops that wait run when nothing else can.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import kernel
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import RefCell
from evergraph.runtime import failures
from evergraph.runtime.prune import NEXT_ITERATION
from evergraph.runtime.straight import reference_reads

CONTROL_FLOW = frozenset(
    [
        "Switch",
        "RefSwitch",
        "_SwitchN",
        "Merge",
        "RefMerge",
        "Enter",
        "RefEnter",
        "Exit",
        "RefExit",
        "NextIteration",
        "RefNextIteration",
    ]
)

#: Between looks at whether the run should stop.
_CHECK_EVERY = 1024


class _Dead:
    """The value of what was not computed because its branch was not taken."""

    __slots__ = ()


DEAD: Any = _Dead()
#: What a live Switch sends down the branch that it does not take. It is dead too, but it tells an Exit, which stands right
#: behind its Switch, that the loop goes on, where DEAD tells it that the whole loop lies in a branch that was not taken.
NOT_TAKEN: Any = _Dead()


class _Node:
    """One operation of the plan, in its static frame."""

    __slots__ = (
        "arguments", "blocking", "consumers", "controls", "data_waits", "frame", "function", "index", "kind", "loop_waits",
        "op", "reads", "target", "waits",
    )  # fmt: skip

    def __init__(self, op: Operation, index: int) -> None:
        self.op = op
        self.index = index
        self.kind = op.type.removeprefix("Ref") if op.type in CONTROL_FLOW else ""
        self.blocking = op.declaration is not None and op.declaration.blocking
        #: For each input: (node index, output index), or (-1, feed index) for a fed one.
        self.arguments: list[tuple[int, int]] = []
        #: Nodes that take this one's values: (node index, input position, output index); and those that only wait for its end.
        self.consumers: list[tuple[int, int, int]] = []
        self.controls: list[int] = []
        #: Edges that must arrive before it runs; for a Merge: control edges, data edges in iteration 0, in later ones.
        self.waits = 0
        self.data_waits = 0
        self.loop_waits = 0
        self.function: Callable[..., Any] | None = None
        self.reads: list[bool] = []
        self.frame: _FramePlan
        #: The frame that its outputs go to: another one than its own for Enter and Exit.
        self.target: _FramePlan


class _FramePlan:
    """A static frame; its nodes run once in each of its iterations."""

    __slots__ = ("enters", "outer")

    def __init__(self, outer: _FramePlan | None) -> None:
        self.outer = outer
        self.enters = 0


class _Arrivals:
    """What has arrived at one node in one iteration."""

    __slots__ = ("dead", "live", "pending", "values")

    def __init__(self, pending: int, values: list[Any]) -> None:
        self.pending = pending
        self.values = values
        self.dead = 0
        self.live = 0


class _Iteration:
    """One iteration of a frame in a run. ``arrivals`` of a node is None once the node has been set running."""

    __slots__ = ("activation", "arrivals", "number")

    def __init__(self, activation: _Activation, number: int) -> None:
        self.activation = activation
        self.number = number
        self.arrivals: dict[int, _Arrivals | None] = {}


class _Activation:
    """A frame that was entered in a run, from one iteration of the frame outside."""

    __slots__ = ("constants", "entered", "iterations", "outer", "plan")

    def __init__(self, plan: _FramePlan, outer: _Iteration | None) -> None:
        self.plan = plan
        self.outer = outer
        self.iterations: dict[int, _Iteration] = {0: _Iteration(self, 0)}
        self.entered = 0
        self.constants: list[tuple[_Node, Any]] = []


class DataflowPlan:
    """A plan with control flow. Several threads may execute it at once."""

    def __init__(
        self,
        order: Sequence[Operation],
        feeds: Sequence[Tensor],
        fetches: Sequence[Tensor],
        first_argument: Callable[[Operation], Any],
        check_running: Callable[[], None],
    ) -> None:
        self._check_running = check_running
        fed = {tensor: i for i, tensor in enumerate(feeds)}
        self._nodes = [_Node(op, i) for i, op in enumerate(order)]
        index = {op: i for i, op in enumerate(order)}
        for node in self._nodes:
            self._connect(node, index, fed)
            if not node.kind:
                declaration = node.op.declaration
                if declaration is None or declaration.compute is not None or node.op.outputs:
                    node.function = kernel.bind(node.op, first_argument(node.op))
                    node.reads = reference_reads(node.op, set(fed))
        self._root = _FramePlan(None)
        self._assign_frames()
        self._fetches = [(fed[t], 0) if t in fed else (-1, index[t.op]) for t in fetches]
        self._fetch_outputs = [t.value_index for t in fetches]
        self._fetched = {index[t.op] for t in fetches if t not in fed}

    def _connect(self, node: _Node, index: dict[Operation, int], fed: dict[Tensor, int]) -> None:
        op = node.op
        for position, tensor in enumerate(op._inputs):
            if tensor in fed:
                node.arguments.append((-1, fed[tensor]))
                continue
            source = index[tensor.op]
            node.arguments.append((source, tensor.value_index))
            self._nodes[source].consumers.append((node.index, position, tensor.value_index))
            if node.kind == "Merge" and tensor.op.type in NEXT_ITERATION:
                node.loop_waits += 1
            elif node.kind == "Merge":
                node.data_waits += 1
            else:
                node.waits += 1
        for control in op._control_inputs:
            if control in index:
                self._nodes[index[control]].controls.append(node.index)
                node.waits += 1

    def _assign_frames(self) -> None:
        """Gives each node its frame, following edges from the sources; Enter leads one in, Exit one out."""
        inner: dict[tuple[str, _FramePlan], _FramePlan] = {}
        assigned: dict[int, _FramePlan] = {}
        queue: deque[int] = deque()

        def place(index: int, frame: _FramePlan) -> None:
            if index not in assigned:
                assigned[index] = frame
                queue.append(index)
            elif assigned[index] is not frame:
                op = self._nodes[index].op
                raise errors.InvalidArgumentError(
                    op.node_def,
                    op,
                    f"'{op.name}' has inputs from different loops (or from inside and outside of one)",
                )

        for node in self._nodes:
            if not node.waits and not node.data_waits:
                place(node.index, self._root)
        while queue:
            node = self._nodes[queue.popleft()]
            node.frame = node.target = frame = assigned[node.index]
            if node.kind == "Enter":
                node.target = inner.setdefault(
                    (node.op.attrs["frame_name"], frame), _FramePlan(frame)
                )
                node.target.enters += 1
            elif node.kind == "Exit":
                if frame.outer is None:
                    raise errors.InvalidArgumentError(
                        node.op.node_def, node.op, f"'{node.op.name}' exits no loop"
                    )
                node.target = frame.outer
            for consumer, _, _ in node.consumers:
                place(consumer, node.target)
            for consumer in node.controls:
                place(consumer, node.target)

    def execute(self, fed_values: Sequence[Any]) -> list[Any]:
        """One run: the values of the fetched tensors. Raises InvalidArgumentError where one is dead."""
        run = _Run(self._nodes, self._root, fed_values, self._fetched, self._check_running)
        with np.errstate(all="ignore"):
            run.run()
        results = []
        for (feed, node), output in zip(self._fetches, self._fetch_outputs, strict=True):
            results.append(run.fetched_value(node, output) if feed == -1 else fed_values[feed])
        return results


class _Run:
    """The state of one execution."""

    def __init__(
        self,
        nodes: list[_Node],
        root: _FramePlan,
        fed_values: Sequence[Any],
        fetched: set[int],
        check_running: Callable[[], None],
    ) -> None:
        self._nodes = nodes
        self._fed = fed_values
        self._fetched = fetched
        self._results: dict[int, Sequence[Any]] = {}
        self._check_running = check_running
        # (iteration number, node, sequence, iteration, its inputs, is one of them dead): what is left of earlier iterations
        # comes first, then nodes in order of creation; the sequence number decides before anything that has no order.
        self._ready: list[tuple[int, int, int, _Iteration, list[Any], bool]] = []
        self._deferred: list[tuple[int, int, int, _Iteration, list[Any], bool]] = []
        self._activations: dict[tuple[_FramePlan, _Iteration], _Activation] = {}
        self._sequence = 0
        self._root = _Activation(root, None)

    def run(self) -> None:
        start = self._root.iterations[0]
        for node in self._nodes:
            if not node.waits and not node.data_waits:
                self._enqueue(node, start, [self._fed[place] for _, place in node.arguments], False)
        steps = 0
        while self._ready or self._deferred:
            _, index, _, iteration, inputs, dead = heapq.heappop(self._ready or self._deferred)
            node = self._nodes[index]
            try:
                self._process(node, inputs, dead, iteration)
            except Exception as error:
                raise failures.attach(error, node.op) from error
            steps += 1
            if steps % _CHECK_EVERY == 0:
                self._check_running()

    def fetched_value(self, index: int, output: int) -> Any:
        """A result of the run. Raises InvalidArgumentError where it is dead."""
        node = self._nodes[index]
        values = self._results.get(index)
        value = DEAD if values is None else values[output]
        if value.__class__ is _Dead:
            raise errors.InvalidArgumentError(
                node.op.node_def,
                node.op,
                f"Retval[{output}] does not have value: '{node.op.name}:{output}' is in a branch that was not taken, "
                "or inside a loop; fetch the result of the tf.cond or tf.while_loop instead",
            )
        return value

    def _enqueue(self, node: _Node, iteration: _Iteration, inputs: list[Any], dead: bool) -> None:
        self._sequence += 1
        queue = self._deferred if node.blocking else self._ready
        heapq.heappush(
            queue, (iteration.number, node.index, self._sequence, iteration, inputs, dead)
        )

    # Delivering values

    def _deliver(self, node: _Node, values: Sequence[Any] | None, iteration: _Iteration) -> None:
        """Hands the outputs of ``node`` (None: all dead) to whatever waits for them in ``iteration``."""
        for consumer, position, output in node.consumers:
            self._arrive(
                self._nodes[consumer],
                position,
                DEAD if values is None else values[output],
                iteration,
            )
        ended = DEAD if values is None else None
        for consumer in node.controls:
            self._arrive(self._nodes[consumer], -1, ended, iteration)

    def _arrive(self, node: _Node, position: int, value: Any, iteration: _Iteration) -> None:
        """``value`` comes in at input ``position`` (-1: a control edge)."""
        index = node.index
        if index in iteration.arrivals:
            arrived = iteration.arrivals[index]
            if arrived is None:
                return  # A Merge that has gone on with an earlier value.
        else:
            fed = [DEAD if source != -1 else self._fed[place] for source, place in node.arguments]
            arrived = iteration.arrivals[index] = _Arrivals(node.waits, fed)
        dead = value.__class__ is _Dead
        if position >= 0:
            arrived.values[position] = value
        if node.kind == "Merge":
            if position < 0:
                arrived.pending -= 1
            elif dead:
                arrived.dead += 1
            else:
                arrived.live += 1
            expected = (
                node.data_waits if iteration.number == 0 or not node.loop_waits else node.loop_waits
            )
            ready = arrived.pending == 0 and (arrived.live > 0 or arrived.dead >= expected)
        else:
            arrived.pending -= 1
            arrived.dead += dead
            ready = arrived.pending == 0
        if ready:
            iteration.arrivals[index] = None
            self._enqueue(node, iteration, arrived.values, arrived.dead > 0)

    # Processing one node

    def _process(self, node: _Node, inputs: list[Any], dead: bool, iteration: _Iteration) -> None:
        if node.kind:
            _CONTROL[node.kind](self, node, inputs, dead, iteration)
        elif dead:
            self._deliver(node, None, iteration)
        else:
            self._publish(node, self._compute(node, inputs), iteration)

    def _compute(self, node: _Node, inputs: list[Any]) -> Sequence[Any]:
        if node.function is None:
            return ()
        if True in node.reads:
            inputs = [
                item.read() if read else item for item, read in zip(inputs, node.reads, strict=True)
            ]
        return kernel.flatten(node.op, node.function(*inputs))

    def _publish(self, node: _Node, values: Sequence[Any], iteration: _Iteration) -> None:
        if node.index in self._fetched:
            self._results[node.index] = values
        self._deliver(node, values, iteration)

    def _switch(self, node: _Node, inputs: list[Any], dead: bool, iteration: _Iteration) -> None:
        if dead:
            self._deliver(node, None, iteration)
            return
        data, chooser = inputs
        chooser = _read(chooser)
        if np.ndim(chooser) != 0:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"The second input must be a scalar, but it has shape {list(np.shape(chooser))}",
            )
        data = data if node.op.type == "RefSwitch" else _read(data)
        last = len(node.op.outputs) - 1
        # _SwitchN takes its last branch for an index out of range.
        taken = int(chooser) if 0 <= int(chooser) <= last else last
        self._publish(node, [data if i == taken else NOT_TAKEN for i in range(last + 1)], iteration)

    def _merge(self, node: _Node, inputs: list[Any], dead: bool, iteration: _Iteration) -> None:
        for position, value in enumerate(inputs):
            if value.__class__ is not _Dead:
                value = value if node.op.type == "RefMerge" else _read(value)
                self._publish(node, (value, np.int32(position)), iteration)
                return
        self._deliver(node, None, iteration)

    def _enter(self, node: _Node, inputs: list[Any], dead: bool, iteration: _Iteration) -> None:
        value = inputs[0] if node.op.type == "RefEnter" else _read(inputs[0])
        values = None if dead else (value,)
        key = (node.target, iteration)
        activation = self._activations.get(key)
        if activation is None:
            activation = self._activations[key] = _Activation(node.target, iteration)
        activation.entered += 1
        if node.op.attrs["is_constant"]:
            activation.constants.append((node, values))
            for inside in list(activation.iterations.values()):
                self._deliver(node, values, inside)
        else:
            self._deliver(node, values, activation.iterations[0])
        if activation.entered == node.target.enters:
            del self._activations[key]

    def _exit(self, node: _Node, inputs: list[Any], dead: bool, iteration: _Iteration) -> None:
        outer = iteration.activation.outer
        assert outer is not None  # _assign_frames has checked it
        if not dead:
            value = inputs[0] if node.op.type == "RefExit" else _read(inputs[0])
            self._publish(node, (value,), outer)
        elif inputs[0] is not NOT_TAKEN:
            self._deliver(node, None, outer)

    def _next_iteration(
        self, node: _Node, inputs: list[Any], dead: bool, iteration: _Iteration
    ) -> None:
        if dead:
            return  # The loop ends here: a dead value does not go around.
        activation = iteration.activation
        number = iteration.number + 1
        following = activation.iterations.get(number)
        if following is None:
            following = activation.iterations[number] = _Iteration(activation, number)
            for constant, values in activation.constants:
                self._deliver(constant, values, following)
            if activation.entered == activation.plan.enters:
                # Nothing from outside is still to come for the iterations before this one.
                for old in [past for past in activation.iterations if past < iteration.number]:
                    del activation.iterations[old]
        value = inputs[0] if node.op.type == "RefNextIteration" else _read(inputs[0])
        self._deliver(node, (value,), following)


def _read(value: Any) -> Any:
    return value.read() if isinstance(value, RefCell) else value


_CONTROL: dict[str, Callable[[_Run, _Node, list[Any], bool, _Iteration], None]] = {
    "Switch": _Run._switch,
    "_SwitchN": _Run._switch,
    "Merge": _Run._merge,
    "Enter": _Run._enter,
    "Exit": _Run._exit,
    "NextIteration": _Run._next_iteration,
}
