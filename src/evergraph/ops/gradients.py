"""tf.gradients: the nodes that compute derivatives of some tensors with respect to others.

Walks back from ``ys``: an operation is visited when the gradients of all of its outputs that lie between are there;
they are summed (`ops.gradient_sums`), and the op's ``gradient`` rule makes those of its inputs, under the name scope
``<op>_grad``. The order of the walk and the names are TensorFlow's (python/ops/gradients_util.py, 2.15), so that its
graphs and ours have the same nodes.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.registry import lookup_gradient
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import control_flow_state
from evergraph.ops.gradient_sums import AggregationMethod, sum_of
from evergraph.ops.indexed_slices import IndexedSlices, convert_n

_DIFFERENTIABLE = frozenset(
    (
        dtypes.float16,
        dtypes.float32,
        dtypes.float64,
        dtypes.complex64,
        dtypes.complex128,
        dtypes.resource,
        dtypes.variant,
        dtypes.bfloat16,
    )
)


class UnconnectedGradients:
    """What ``gradients`` gives for an ``x`` that no ``y`` depends on (``tf.UnconnectedGradients``)."""

    NONE = "none"
    ZERO = "zero"


def is_trainable(tensor: Any) -> bool:
    """True where gradients flow through a tensor of this type."""
    return tensor.dtype.base_dtype in _DIFFERENTIABLE


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """The sum over ``ys`` of dy/dx, for each x of ``xs``: a Tensor, IndexedSlices, or None where no y depends on x.

    Args:
      grad_ys: the gradients of ``ys`` themselves (a list, None for ones).
      gate_gradients: wait for all gradients of an operation before any is used.
      aggregation_method: one of AggregationMethod.
      stop_gradients: tensors not to differentiate through.
      unconnected_gradients: ``"none"`` or ``"zero"``.

    Raises:
      LookupError: an operation on the way has no gradient.
      ValueError, TypeError: arguments that do not fit together, or types that have no gradient.
    """
    graph = get_default_graph()
    with graph._lock:
        return _Walk(
            graph,
            _as_list(ys),
            _as_list(xs),
            _as_list(stop_gradients) if stop_gradients is not None else [],
            None if grad_ys is None else _as_list(grad_ys),
            colocate_gradients_with_ops,
            gate_gradients,
            AggregationMethod.DEFAULT if aggregation_method is None else aggregation_method,
            getattr(unconnected_gradients, "value", unconnected_gradients),
        ).run(name)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


class _Walk:
    """One call of ``gradients``."""

    def __init__(
        self,
        graph: Graph,
        ys: list[Any],
        xs: list[Any],
        stop_gradients: list[Any],
        grad_ys: list[Any] | None,
        colocate: bool,
        gate: bool,
        aggregation: int,
        unconnected: str,
    ) -> None:
        if aggregation not in (0, 1, 2):
            raise ValueError(f"Invalid `aggregation_method` specified {aggregation}.")
        if unconnected not in ("none", "zero"):
            raise ValueError(f"Unknown value for unconnected_gradients: '{unconnected}'")
        self._graph = graph
        self._ys = ys
        # The gradient with respect to a resource variable is that with respect to its handle.
        self._xs = [getattr(x, "handle", x) for x in xs]
        self._stop = stop_gradients
        self._grad_ys = [None] * len(ys) if grad_ys is None else grad_ys
        self._colocate = colocate
        self._gate = gate
        self._aggregation = aggregation
        self._unconnected = unconnected
        #: For each operation, for each output: the gradients so far (a list), or their sum.
        self._grads: dict[Operation, list[Any]] = {}
        self._loops: Any = None

    def run(self, name: str) -> list[Any]:
        with name_scope(name, "gradients", [*self._ys, *self._xs, *self._stop, *self._grad_ys]):
            # TensorFlow takes this name for its own bookkeeping; names made after it must come out alike.
            self._graph.unique_name("uid")
            ys = convert_n(self._ys, name="y")
            xs = convert_n(self._xs, name="x", as_ref=True)
            stops = convert_n(self._stop, name="stop_gradients")
            self._start(ys, xs, stops)
        if self._loops is not None:
            self._loops.PostProcessing()
        return [self._result(x) for x in xs]

    def _start(self, ys: list[Any], xs: list[Any], stops: list[Any]) -> None:
        grad_ys = self._default_grad_ys(ys)
        to_ops = [y.op for y in ys]
        from_ops = [x.op for x in xs]
        reachable, pending = self._pending(to_ops, from_ops)
        for y, grad in zip(ys, grad_ys, strict=True):
            self._set(y, grad)
        queue: deque[Operation] = deque()
        started: set[Operation] = set()
        for op in to_ops:
            if pending[op] == 0 and op not in started and op in reachable:
                started.add(op)
                queue.append(op)
        if self._loops is not None:
            for y in self._loops.ProcessUnusedLoopExits(pending, started):
                if is_trainable(y):
                    self._set(y, self._loops.ZerosLikeForExit(y))
                    queue.append(y.op)
        stop_ops = {op for op in from_ops if all(pending[tensor.op] <= 0 for tensor in op.inputs)}
        stop_ops.update(tensor.op for tensor in stops)
        while queue:
            op = queue.popleft()
            with self._colocation(op):
                self._visit(op, stop_ops, from_ops)
            self._release(op, queue, pending)

    def _colocation(self, op: Operation) -> AbstractContextManager[None]:
        return self._graph.colocate_with(op) if self._colocate else nullcontext()

    def _default_grad_ys(self, ys: list[Any]) -> list[Any]:
        if len(self._grad_ys) != len(ys):
            raise ValueError(
                f"Length mismatch. Passed {len(self._grad_ys)} grad_ys for {len(ys)} ys"
            )
        from evergraph.ops.array import ones, shape

        result: list[Any] = []
        for i, (y, grad) in enumerate(
            zip(ys, convert_n(self._grad_ys, name="grad_y"), strict=True)
        ):
            if grad is None:
                if y.dtype.is_complex:
                    raise TypeError(
                        f"Gradients of complex tensors ({y}) must set grad_ys (y.dtype = {y.dtype.name})"
                    )
                with self._colocation(y.op):
                    result.append(ones(shape(y), dtype=y.dtype, name=f"grad_ys_{i}"))
                continue
            _check_grad_type(y, grad)
            result.append(_named(grad, f"grad_ys_{i}"))
        return result

    def _pending(
        self, to_ops: list[Operation], from_ops: list[Operation]
    ) -> tuple[set[Operation], dict[Operation, int]]:
        """Which of ``to_ops`` depend on ``from_ops``, and how many gradients each operation between has to wait for."""
        reached: set[Operation] = set()
        queue = deque(from_ops)
        while queue:
            op = queue.popleft()
            if op not in reached:
                reached.add(op)
                for output in op.outputs:
                    if is_trainable(output):
                        queue.extend(output.consumers())
        reachable = {op for op in to_ops if op in reached}
        between: list[Operation] = []
        queue = deque(to_ops)
        while queue:
            op = queue.popleft()
            if op in reached:
                between.append(op)
                reached.remove(op)
                queue.extend(tensor.op for tensor in op.inputs)
        inside = set(between)
        self._loops = control_flow_state.MaybeCreateControlFlowState(
            between, inside, self._colocate
        )
        pending: dict[Operation, int] = defaultdict(int)
        for op in between:
            for tensor in op.inputs:
                if tensor.op in inside:
                    pending[tensor.op] += 1
        return reachable, pending

    def _visit(self, op: Operation, stop_ops: set[Operation], from_ops: list[Operation]) -> None:
        """Makes the gradients of the inputs of ``op`` from those of its outputs."""
        loops = self._loops
        if loops is not None:
            loops.EnterGradWhileContext(op, before=True)
        out_grads = self._sum_outputs(op)
        if loops is not None:
            loops.ExitGradWhileContext(op, before=True)
        function = None
        has_grads = any(grad is not None for grad in out_grads)
        if has_grads and op not in stop_ops:
            function = gradient_function(op)
        if loops is not None:
            loops.EnterGradWhileContext(op, before=False)
        control_flow_state.check_loop_value(op, from_ops, self._graph)
        if function is not None and has_grads:
            in_grads = self._input_grads(op, function, out_grads)
            for tensor, grad in zip(op.inputs, in_grads, strict=True):
                if grad is not None:
                    self._keep(op, tensor, grad)
        if loops is not None:
            loops.ExitGradWhileContext(op, before=False)

    def _input_grads(
        self, op: Operation, function: Callable[..., Any], out_grads: list[Any]
    ) -> list[Any]:
        for i, grad in enumerate(out_grads):
            if grad is None and is_trainable(op.outputs[i]):
                zeros = (
                    control_flow_state.ZerosLike if self._loops is None else self._loops.ZerosLike
                )
                out_grads[i] = zeros(op, i)
        with self._graph.name_scope(op.name + "_grad"), self._graph._original_op(op):
            in_grads = _as_list(function(op, *out_grads))
            if len(in_grads) != len(op.inputs):
                raise ValueError(
                    f"Num gradients {len(in_grads)} generated for op {op.name} ({op.type}) "
                    f"do not match num inputs {len(op.inputs)}"
                )
            if self._gate and sum(grad is not None for grad in in_grads) > 1:
                from evergraph.ops.grouping import tuple_

                with (
                    self._graph.device(None),
                    self._graph.colocate_with(None, ignore_existing=True),
                ):
                    in_grads = tuple_(in_grads)
        return in_grads

    def _keep(self, op: Operation, tensor: Tensor, grad: Any) -> None:
        if isinstance(grad, Tensor) and tensor.dtype != dtypes.resource:
            try:
                grad.set_shape(tensor.dims)
            except ValueError:
                raise ValueError(
                    "Incompatible shapes between op input and calculated input gradient. "
                    f"Forward operation: {op.name}. Input: {tensor.name}, shape {tensor.shape}; "
                    f"gradient {grad.name}, shape {grad.shape}"
                ) from None
        self._set(tensor, grad)

    def _set(self, tensor: Any, grad: Any) -> None:
        outputs = self._grads.setdefault(tensor.op, [[] for _ in tensor.op.outputs])
        index = getattr(tensor, "value_index", 0)
        if isinstance(outputs[index], list):
            outputs[index].append(grad)
        else:
            # Only a loop's Switch is visited twice: its gradient goes around, and is set anew.
            outputs[index] = grad

    def _sum_outputs(self, op: Operation) -> list[Any]:
        """The gradients of the outputs of ``op``, summed; None where there is none. Kept, for ``_result``."""
        outputs = self._grads.setdefault(op, [[] for _ in op.outputs])
        for i, grads in enumerate(outputs):
            if isinstance(grads, list):
                outputs[i] = sum_of(op, grads, self._aggregation) if grads else None
        return list(outputs)

    def _release(
        self, op: Operation, queue: deque[Operation], pending: dict[Operation, int]
    ) -> None:
        for tensor in op.inputs:
            source = tensor.op
            pending[source] -= 1
            ready = pending[source] == 0
            if self._loops is not None and not ready:
                ready = pending[source] > 0 and control_flow_state.IsLoopSwitch(source)
            if not ready:
                continue
            if control_flow_state.IsLoopExit(source):
                self._release_exit(tensor, queue)
            else:
                queue.append(source)

    def _release_exit(self, tensor: Tensor, queue: deque[Operation]) -> None:
        """A loop is entered backwards when all of its exits are there; those nobody uses have zero gradients."""
        state = self._loops.GetGradState(tensor.op, before=False)
        state.deferred_exits.append(tensor)
        state.pending_exits_count -= 1
        if state.pending_exits_count:
            return
        used = False
        for exit_ in state.deferred_exits:
            if any(grad is not None and grad != [] for grad in self._grads.get(exit_.op, ())):
                used = True
                queue.append(exit_.op)
            else:
                state.unused_exits.append(exit_)
        for exit_ in state.unused_exits:
            if used and is_trainable(exit_):
                self._set(exit_, self._loops.ZerosLikeForExit(exit_))
            queue.append(exit_.op)

    def _result(self, x: Any) -> Any:
        outputs = self._grads.get(x.op)
        grad = None if outputs is None else outputs[getattr(x, "value_index", 0)]
        if isinstance(grad, list):
            grad = None
        if grad is None and self._unconnected == UnconnectedGradients.ZERO:
            from evergraph.ops.array import zeros_like

            return zeros_like(x)
        return grad


def gradient_function(op: Operation) -> Callable[..., Any] | None:
    """The gradient rule for ``op``: its own, the one that ``gradient_override_map`` gave it, or its type's.

    Raises LookupError where there is none. None: not differentiable, on purpose.
    """
    if not op.inputs:
        return None
    if op._gradient_function is not None:
        rule: Callable[..., Any] = op._gradient_function
        return rule
    label = op.type
    if "_gradient_op_type" in op.attrs:
        label = op.get_attr("_gradient_op_type").decode()
    try:
        return lookup_gradient(label)
    except LookupError:
        if label == op.type and op.declaration is not None and op.declaration.has_gradient:
            # The call of a function of the graph's library, which is no registered op.
            return op.declaration.gradient
        raise LookupError(
            f"No gradient defined for operation '{op.name}' (op type: {label}). "
            "In general every operation must have an associated `@tf.RegisterGradient` for correct autodiff; "
            "use tf.stop_gradient where none is wanted."
        ) from None


def _check_grad_type(y: Any, grad: Any) -> None:
    if y.dtype.is_floating or y.dtype.is_integer:
        if not (grad.dtype.is_floating or grad.dtype.is_integer):
            raise TypeError(
                f"Gradient type {grad.dtype.name} generated for real or integer-valued tensor {y} with type "
                f"{y.dtype.name} must be real or integer"
            )
    elif y.dtype.is_complex:
        if not grad.dtype.is_complex:
            raise TypeError(
                f"Gradient type {grad.dtype.name} generated for complex-valued tensor {y} with type "
                f"{y.dtype.name} must be complex"
            )
    elif y.dtype not in (dtypes.variant, dtypes.resource):
        raise TypeError(
            f"Tensor {y} with type {y.dtype.name} must be numeric to obtain a default gradient"
        )
    if isinstance(grad, Tensor) and isinstance(y, Tensor):
        try:
            grad.shape.assert_is_compatible_with(y.shape)
        except ValueError as error:
            raise errors.InvalidValueError(None, None, f"grad_ys for {y.name}: {error}") from None


def _named(grad: Any, name: str) -> Any:
    """``grad`` under a name in the scope of the gradients, by which TensorArrays tell whose gradients theirs are."""
    from evergraph.ops.array import identity

    if isinstance(grad, IndexedSlices):
        shape = grad.dense_shape
        return IndexedSlices(
            identity(grad.values, name=f"{name}_values"),
            identity(grad.indices, name=f"{name}_indices"),
            None if shape is None else identity(shape, name=f"{name}_shape"),
        )
    return identity(grad, name=name)
