"""The ops that control flow is made of: Switch and Merge choose, Enter, Exit and NextIteration make loops.

They compute nothing: the runtime's dataflow plan knows what each of them does with values, which is why they have no
``compute``. The dead branch of a Switch is not run; Merge hands on what did run. Source: "Implementation of Control
Flow in TensorFlow" (Yuan Yu et al., 2017).

Programs say ``tf.cond`` and ``tf.while_loop``; the functions here are what those are built with. Each takes a Tensor,
or a composite (IndexedSlices) of which it does the same to every part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import nest
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.registry import op
from evergraph.graph.scopes import colocate_with, name_scope
from evergraph.graph.shape import weaken, with_rank
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules
from evergraph.ops.control_flow_queries import output_context
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.slices import as_indexed_slices, as_indexed_slices_list


def _switch_shape(c):
    with_rank(c.shape(1), 0)
    return [c.shape(0)] * c.output_count


def _merge_shape(c):
    dims, *others = c.shapes(0)
    for other in others:
        dims = weaken(dims, other)
    return [dims, ()]


def _switch_gradient(op, *grads):
    """The gradients of the two branches meet again. A loop's Switch is visited twice: see control_flow_state."""
    own = op._control_flow_context
    if own is not None and own.IsWhileContext():
        return _loop_switch_gradient(op, grads)
    if own is not None and own.IsCondContext():
        taken, other = grads[own.branch], grads[1 - own.branch]
        if other is not None:
            return merge(list(grads), name="cond_grad")[0], None
        if op.inputs[0].dtype == dtypes.resource:
            return merge([taken, taken], name="cond_resource_grad")[0], None
        return None, None
    false_grad = switch(grads[0], op.inputs[1])[0]
    true_grad = switch(grads[1], op.inputs[1])[1]
    return merge([false_grad, true_grad])[0], None


def _loop_switch_gradient(op, grads):
    switches = get_default_graph()._control_flow_context.grad_state.switch_map
    header = switches.get(op)
    if header is not None:
        # The second visit, from the body: what goes around is known now.
        if grads[1] is not None:
            add_back_edge(header, grads[1], enforce_shape=False)
        return None, None
    if grads[0] is None:
        return None, None  # What leaves the loop is not differentiable.
    header = switches[op] = merge([grads[0], grads[0]], name="b_switch")[0]
    return header, None


def _merge_gradient(op, grad, _):
    """The gradient goes to the branch that was taken."""
    inside = output_context(op.inputs[0].op)
    current = get_default_graph()._control_flow_context
    if inside is not None and inside.IsWhileContext():
        return switch_ref_or_tensor(grad, current.pivot)
    if inside is not None and inside.IsCondContext():
        pred = inside.pred
        if current is not None and current.grad_state is not None:
            pred = current.grad_state.real_pred(pred)
        return switch_ref_or_tensor(grad, pred, name="cond_grad")
    from evergraph.ops.comparison import equal

    chosen = [equal(op.outputs[1], i) for i in range(len(op.inputs))]
    return [switch_ref_or_tensor(grad, one)[1] for one in chosen]


def _enter_gradient(op, grad):
    """A loop variable's gradient leaves the backward loop; that of a value from outside is summed over iterations."""
    current = get_default_graph()._control_flow_context
    if current is None or not current.back_prop or current.grad_state is None:
        return grad
    if not op.attrs["is_constant"]:
        result = exit_(grad)
        current.loop_exits.append(result)
        current.ExitResult([result])
        return result
    from evergraph.ops import while_gradients

    if isinstance(grad, IndexedSlices):
        return while_gradients.add_slices_accumulator(current, op, grad)
    return while_gradients.add_accumulator(current, op, grad)


def _exit_gradient(op, grad):
    current = get_default_graph()._control_flow_context
    if not current.back_prop:
        return None
    if op._control_flow_context.grad_state is not None:
        raise TypeError("Second-order gradient for while loops not supported.")
    for part in nest.flatten(grad, expand_composites=True):
        if part is not None:
            current.AddName(part.name)
    current.Enter()
    result = enter(
        grad,
        current.name,
        is_constant=False,
        parallel_iterations=current.parallel_iterations,
        name="b_exit",
    )
    current.loop_enters.append(result)
    current.Exit()
    return result


@op("Switch", "data: T, pred: bool -> output_false: T, output_true: T", T="type")
class Switch:
    shape = _switch_shape
    gradient = _switch_gradient


@op("RefSwitch", "data: Ref(T), pred: bool -> output_false: Ref(T), output_true: Ref(T)", T="type",
    allows_uninitialized_input=True)  # fmt: skip
class RefSwitch:
    shape = _switch_shape
    gradient = _switch_gradient


@op("_SwitchN", "data: T, output_index: int32 -> outputs: num_outs * T", num_outs="int >= 1",
    T="type")  # fmt: skip
class SwitchN:
    shape = _switch_shape


@op("Merge", "inputs: N * T -> output: T, value_index: int32", T="type", N="int >= 1")
class Merge:
    shape = _merge_shape
    gradient = _merge_gradient


@op("RefMerge", "inputs: Ref(N * T) -> output: Ref(T), value_index: int32", T="type", N="int >= 1")
class RefMerge:
    shape = _merge_shape
    gradient = _merge_gradient


@op("Enter", "data: T -> output: T", T="type", frame_name="string", is_constant=False,
    parallel_iterations=10)  # fmt: skip
class Enter:
    def shape(c):
        # A loop variable may have another shape after an iteration; a constant may not.
        return c.shape(0) if c["is_constant"] else None

    gradient = _enter_gradient


@op("RefEnter", "data: Ref(T) -> output: Ref(T)", T="type", frame_name="string", is_constant=False,
    parallel_iterations=10)  # fmt: skip
class RefEnter:
    shape = shape_rules.unchanged
    gradient = _enter_gradient


@op("Exit", "data: T -> output: T", T="type")
class Exit:
    shape = shape_rules.unchanged
    gradient = _exit_gradient


@op("RefExit", "data: Ref(T) -> output: Ref(T)", T="type")
class RefExit:
    shape = shape_rules.unchanged
    gradient = _exit_gradient


def _next_iteration_gradient(op, grad):
    # The way around is made by the gradient of the loop's Switch.
    return grad


@op("NextIteration", "data: T -> output: T", T="type")
class NextIteration:
    shape = shape_rules.unchanged
    gradient = _next_iteration_gradient


@op("RefNextIteration", "data: Ref(T) -> output: Ref(T)", T="type")
class RefNextIteration:
    shape = shape_rules.unchanged
    gradient = _next_iteration_gradient


@op("LoopCond", "input: bool -> output: bool")
class LoopCond:
    def shape(c):
        return with_rank(c.shape(0), 0)

    def compute(xp, input):
        return input

    gradient = None


@op("RefIdentity", "input: Ref(T) -> output: Ref(T)", T="type", allows_uninitialized_input=True)
class RefIdentity:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return input

    def gradient(op, grad):
        return grad


@op("ControlTrigger", "->")
class ControlTrigger:
    """Runs when its control inputs have ended, also where they are in a branch that was not taken."""


@op("Abort", "->", error_msg="string = ''", exit_without_error=False)
class Abort:
    def compute(xp, *, error_msg, exit_without_error):
        # TensorFlow ends the whole process here; a library must not.
        raise errors.AbortedError(None, None, error_msg or "Abort was run")


# Building


def to_value(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A composite as it is, anything else as a Tensor (a variable as its reference)."""
    if nest.is_composite(value):
        return value
    return convert_to_tensor(value, dtype=dtype, name=name, as_ref=True)


def _each_part(value: Any, function: Callable[[Any], Any]) -> Any:
    return nest.map_structure(function, value, expand_composites=True)


def _is_ref(tensor: Tensor) -> bool:
    return tensor.dtype._is_ref_dtype


def pass_on(value: Any, name: str | None = None) -> Any:
    """``value`` under another name: Identity, RefIdentity for a reference."""
    value = variable_value(to_value(value))
    if not isinstance(value, Tensor):
        return _each_part(value, pass_on)
    return RefIdentity(value, name=name) if _is_ref(value) else array.identity(value, name=name)


def variable_value(value: Any) -> Any:
    """The values of resource variables in ``value``, a structure; everything else as it is."""
    return nest.map_structure(
        lambda leaf: convert_to_tensor(leaf) if _is_resource_variable(leaf) else leaf, value
    )


def _is_resource_variable(value: Any) -> bool:
    handle = getattr(value, "handle", None)
    return isinstance(handle, Tensor) and handle.dtype == dtypes.resource and hasattr(value, "read_value")  # fmt: skip


def switch(data: Any, pred: Any, dtype: Any = None, name: str | None = None) -> tuple[Any, Any]:
    """``data`` twice: alive in the first where ``pred`` is false, in the second where it is true."""
    with name_scope(name, "Switch", [data, pred]) as scope:
        data = to_value(data, dtype, "data")
        pred = convert_to_tensor(pred, name="pred")
        if isinstance(data, Tensor):
            both: tuple[Any, Any] = Switch(data, pred, name=scope)
            return both
        parts = [Switch(part, pred) for part in nest.flatten(data, expand_composites=True)]
        false, true = zip(*parts, strict=True)
        return (
            nest.pack_sequence_as(data, false, expand_composites=True),
            nest.pack_sequence_as(data, true, expand_composites=True),
        )


def switch_ref_or_tensor(data: Any, pred: Any, name: str = "Switch") -> tuple[Any, Any]:
    """``switch``, on the device of ``data``; RefSwitch for a reference."""
    data = to_value(data, name="data")
    # The devices of the scopes outside are those of what is being built, not of what it takes.
    with colocate_with(data, ignore_existing=True):
        if isinstance(data, Tensor) and _is_ref(data):
            both: tuple[Any, Any] = RefSwitch(data, pred, name=name)
            return both
        return switch(data, pred, name=name)


def merge(inputs: Sequence[Any], name: str | None = None) -> tuple[Any, Tensor]:
    """The one of ``inputs`` that is alive, and its index. Raises ValueError where one is None."""
    if any(item is None for item in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    with name_scope(name, "Merge", inputs) as scope:
        values = [to_value(item) for item in inputs]
        if all(isinstance(value, Tensor) for value in values):
            kind: Any = RefMerge if all(_is_ref(value) for value in values) else Merge
            result: tuple[Tensor, Tensor] = kind(values, name=scope)
            return result
        if all(isinstance(value, (IndexedSlices, Tensor)) for value in values):
            values = as_indexed_slices_list(values)
        for value in values[1:]:
            nest.assert_same_structure(values[0], value, expand_composites=True)
        columns = [nest.flatten(value, expand_composites=True) for value in values]
        merged = [Merge(list(parts)) for parts in zip(*columns, strict=True)]
        whole = nest.pack_sequence_as(
            values[0], [output for output, _ in merged], expand_composites=True
        )
        return whole, merged[0][1]


def enter(
    value: Any,
    frame_name: str,
    is_constant: bool = False,
    parallel_iterations: int = 10,
    use_ref: bool = True,
    use_input_shape: bool = True,
    name: str | None = None,
) -> Any:
    """``value`` made known in the loop ``frame_name``: in every iteration, or (a loop variable) in the first."""
    value = to_value(value)
    settings: dict[str, Any] = {
        "frame_name": frame_name,
        "is_constant": is_constant,
        "parallel_iterations": parallel_iterations,
    }
    if not isinstance(value, Tensor):
        return _each_part(
            value, lambda part: enter(part, **settings, use_input_shape=use_input_shape)
        )
    kind: Any = RefEnter if _is_ref(value) and use_ref else Enter
    result: Tensor = kind(value, **settings, name=name)
    if use_input_shape:
        result.set_shape(value.dims)
    return result


def exit_(value: Any, name: str | None = None) -> Any:
    """``value`` made known to the frame outside the loop, once the loop has ended."""
    value = to_value(value)
    if not isinstance(value, Tensor):
        return _each_part(value, exit_)
    return RefExit(value, name=name) if _is_ref(value) else Exit(value, name=name)


def next_iteration(value: Any, name: str | None = None) -> Any:
    """``value`` made known to the loop's next iteration."""
    value = to_value(value)
    if not isinstance(value, Tensor):
        return _each_part(value, next_iteration)
    return RefNextIteration(value, name=name) if _is_ref(value) else NextIteration(value, name=name)


def add_back_edge(header: Any, value: Any, enforce_shape: bool = True) -> Any:
    """Closes a loop: ``value`` goes around to ``header``, the Merge at its head.

    Raises ValueError where its shape is less exact than the one that the loop variable came in with.
    """
    if isinstance(header, Tensor):
        following = next_iteration(convert_to_tensor(value))
        if enforce_shape:
            _check_invariant(header, following)
        header.op._update_input(1, following)
        return following
    if isinstance(header, IndexedSlices):
        value = as_indexed_slices(value)
    following = next_iteration(value)
    heads = nest.flatten(header, expand_composites=True)
    for head, part in zip(heads, nest.flatten(following, expand_composites=True), strict=True):
        head.op._update_input(1, part)
    return following


def _check_invariant(header: Tensor, following: Tensor) -> None:
    if not at_least_as_exact(following.dims, header.dims):
        entering = header.op.inputs[0].op.inputs[0]
        raise ValueError(
            f"Input tensor '{entering.name}' enters the loop with shape {entering.shape}, but has shape "
            f"{following.shape} after one iteration. To allow the shape to vary across iterations, use the "
            "`shape_invariants` argument of tf.while_loop to specify a less-specific shape."
        )


def at_least_as_exact(dims: Any, invariant: Any) -> bool:
    """True where everything of shape ``dims`` has the shape ``invariant``."""
    if invariant is None:
        return True
    if dims is None or len(dims) != len(invariant):
        return False
    return all(b is None or a == b for a, b in zip(dims, invariant, strict=True))
