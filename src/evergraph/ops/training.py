"""The optimizers' update ops: ApplyX and SparseApplyX on references, ResourceApplyX and
ResourceSparseApplyX on resources.

One rule (`evergraph.ops.optimizer_rules`) serves all four: a sparse update is the dense one of the
rows that the gradient gives, one after the other where a row comes twice.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import Declaration, op
from evergraph.ops import optimizer_rules as rules
from evergraph.ops.cells import writing
from evergraph.ops.handles import handle_shape
from evergraph.ops.types import INDEX, NUMERIC

Array = Any

#: Elements that a rule works on at once: what it makes on the way then stays in the processor's
#: cache.
_BLOCK = 1 << 14


class _Arguments:
    """Which argument is what: variable and slots, gradient, indices, settings."""

    def __init__(self, signature: str) -> None:
        pairs = [part.split(":") for part in signature.split(",")]
        self.names = [name.strip() for name, _ in pairs]
        kinds = [kind.strip() for _, kind in pairs]
        self.cells = [i for i, kind in enumerate(kinds) if kind == "V"]
        self.grad = next(i for i, name in enumerate(self.names) if name in ("grad", "delta"))
        self.indices = self.names.index("indices") if "indices" in self.names else None
        taken = {*self.cells, self.grad, self.indices}
        self.settings = [i for i in range(len(self.names)) if i not in taken]

    def shape(self, c: Any, resource: bool) -> shapes.Dims:
        """The variable's static shape, after all that the inputs say of it."""
        dims: shapes.Dims = None
        for i in self.cells:
            dims = shapes.merge(dims, handle_shape(c.tensor(i)) if resource else c.shape(i))
        for i in self.settings:
            shapes.with_rank(c.shape(i), 0)
        grad = c.shape(self.grad)
        if self.indices is None:
            return shapes.merge(dims, grad)
        (count,) = shapes.with_rank(c.shape(self.indices), 1)
        if grad is None:
            return dims
        if not grad:
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        shapes.merge((count,), grad[:1])
        return shapes.merge(dims, (None, *grad[1:]))

    def scalars(self, values: Sequence[Any]) -> dict[str, Any]:
        """The settings by name. Raises InvalidArgumentError for one that is not a scalar."""
        found = {}
        for i in self.settings:
            if np.shape(values[i]):
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"{self.names[i]} is not a scalar: {shapes.text(np.shape(values[i]))}",
                )
            found[self.names[i]] = values[i]
        return found

    def check_same(self, arrays: Sequence[Array], grad: Array) -> None:
        """Raises InvalidArgumentError unless slots and gradient have the variable's shape."""
        own = arrays[0].shape
        others = [(self.names[i], array) for i, array in zip(self.cells, arrays, strict=True)]
        if self.indices is None:
            others.append((self.names[self.grad], grad))
        for name, other in others[1:]:
            if other.shape != own:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"var and {name} do not have the same shape{shapes.text(own)} "
                    f"{shapes.text(other.shape)}",
                )


def _compute(arguments: _Arguments, rule: Callable[..., None], attrs: Sequence[str]) -> Any:
    """The op's ``compute`` for both kinds of cells."""

    def compute(first: Any, *values: Any, **given: Any) -> Any:
        cells = [values[i] for i in arguments.cells]
        grad = np.asarray(values[arguments.grad])
        settings = {**arguments.scalars(values), **given}
        with writing(cells):
            # A slot that is not initialized is noticed before anything is copied.
            for cell in cells:
                cell.read()
            arrays = [cell.writable() for cell in cells]
            arguments.check_same(arrays, grad)
            if arguments.indices is None:
                _update(rule, arrays, grad, settings)
            else:
                _update_rows(rule, arrays, grad, np.asarray(values[arguments.indices]), settings)
        return cells[0]

    # The registry asks a function's signature which attributes it wants.
    keyword = inspect.Parameter.KEYWORD_ONLY
    compute.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, keyword) for name in attrs]
    )
    return compute


def _update(
    rule: Callable[..., None], arrays: Sequence[Array], grad: Array, settings: dict[str, Any]
) -> None:
    size = grad.size
    if size <= 2 * _BLOCK:
        rule(*arrays, grad, **settings)
        return
    flat = [array.reshape(-1) for array in (*arrays, grad)]
    for start in range(0, size, _BLOCK):
        rule(*[array[start : start + _BLOCK] for array in flat], **settings)


def _update_rows(
    rule: Callable[..., None],
    arrays: Sequence[Array],
    grad: Array,
    indices: Array,
    settings: dict[str, Any],
) -> None:
    _check_rows(arrays[0], grad, indices)
    for chosen in _passes(indices):
        places = indices[chosen]
        rows = [array[places] for array in arrays]
        rule(*rows, grad[chosen], **settings)
        for array, row in zip(arrays, rows, strict=True):
            array[places] = row


def _check_rows(var: Array, grad: Array, indices: Array) -> None:
    problem = ""
    if var.ndim < 1:
        problem = "var must be at least 1 dimensional"
    elif indices.ndim != 1:
        problem = "indices must be one-dimensional"
    elif grad.ndim < 1 or grad.shape[0] != indices.shape[0]:
        problem = "grad must be the same size as indices in the first dimension."
    elif grad.shape[1:] != var.shape[1:]:
        problem = (
            f"var and grad must match in all dimensions but the first: "
            f"{shapes.text(var.shape)} {shapes.text(grad.shape)}"
        )
    elif indices.size and (indices.min() < 0 or indices.max() >= var.shape[0]):
        place = int(np.flatnonzero((indices < 0) | (indices >= var.shape[0]))[0])
        problem = (
            f"Index {indices[place]} at offset {place} in indices is out of range: "
            f"var has {var.shape[0]} rows"
        )
    if problem:
        raise errors.InvalidArgumentError(None, None, problem)


def _passes(indices: Array) -> Sequence[Any]:
    """Positions in ``indices``, grouped so that no group has an index twice and each index comes in
    its order.
    """
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    new = np.ones(ordered.size, bool)
    new[1:] = ordered[1:] != ordered[:-1]
    if new.all():
        return [slice(None)]
    first = np.flatnonzero(new)
    turn = np.empty(ordered.size, np.int64)
    turn[order] = np.arange(ordered.size) - np.repeat(first, np.diff([*first, ordered.size]))
    return [np.flatnonzero(turn == k) for k in range(int(turn.max()) + 1)]


def _declare(
    name: str, signature: str, rule: Callable[..., None], resource: bool, flags: dict[str, bool]
) -> Declaration:
    arguments = _Arguments(signature)

    def shape(c: Any) -> Any:
        dims = arguments.shape(c, resource)
        return [] if resource else dims

    attrs: dict[str, Any] = {"T": NUMERIC}
    if arguments.indices is not None:
        attrs["Tindices"] = INDEX
    attrs.update(use_locking=False, **flags)
    kind, output = ("resource", "") if resource else ("Ref(T)", "out: Ref(T)")
    body = {"shape": shape, "compute": _compute(arguments, rule, list(flags))}
    text = f"{signature.replace(': V', ': ' + kind)} -> {output}"
    return op(name, text, **attrs, stateful=resource)(type(name, (), body))


def _both(
    name: str, signature: str, rule: Callable[..., None], **flags: bool
) -> tuple[Declaration, Declaration]:
    """The op on references and its twin on resources."""
    return (
        _declare(name, signature, rule, False, flags),
        _declare(f"Resource{name}", signature, rule, True, flags),
    )


def _resource_only(
    name: str, signature: str, rule: Callable[..., None], **flags: bool
) -> Declaration:
    return _declare(name, signature, rule, True, flags)


ApplyGradientDescent, ResourceApplyGradientDescent = _both(
    "ApplyGradientDescent", "var: V, alpha: T, delta: T", rules.gradient_descent
)
ApplyMomentum, ResourceApplyMomentum = _both(
    "ApplyMomentum",
    "var: V, accum: V, lr: T, grad: T, momentum: T",
    rules.momentum,
    use_nesterov=False,
)
SparseApplyMomentum, ResourceSparseApplyMomentum = _both(
    "SparseApplyMomentum",
    "var: V, accum: V, lr: T, grad: T, indices: Tindices, momentum: T",
    rules.momentum,
    use_nesterov=False,
)
ResourceApplyKerasMomentum = _resource_only(
    "ResourceApplyKerasMomentum",
    "var: V, accum: V, lr: T, grad: T, momentum: T",
    rules.keras_momentum,
    use_nesterov=False,
)
ResourceSparseApplyKerasMomentum = _resource_only(
    "ResourceSparseApplyKerasMomentum",
    "var: V, accum: V, lr: T, grad: T, indices: Tindices, momentum: T",
    rules.keras_momentum,
    use_nesterov=False,
)
_ADAM = "beta1_power: T, beta2_power: T, lr: T, beta1: T, beta2: T, epsilon: T, grad: T"
ApplyAdam, ResourceApplyAdam = _both(
    "ApplyAdam", f"var: V, m: V, v: V, {_ADAM}", rules.adam, use_nesterov=False
)
ResourceApplyAdamWithAmsgrad = _resource_only(
    "ResourceApplyAdamWithAmsgrad",
    f"var: V, m: V, v: V, vhat: V, {_ADAM}",
    rules.adam_with_amsgrad,
)
ApplyAdaMax, ResourceApplyAdaMax = _both(
    "ApplyAdaMax",
    "var: V, m: V, v: V, beta1_power: T, lr: T, beta1: T, beta2: T, epsilon: T, grad: T",
    rules.ada_max,
)
ApplyAdagrad, ResourceApplyAdagrad = _both(
    "ApplyAdagrad", "var: V, accum: V, lr: T, grad: T", rules.adagrad, update_slots=True
)
SparseApplyAdagrad, ResourceSparseApplyAdagrad = _both(
    "SparseApplyAdagrad",
    "var: V, accum: V, lr: T, grad: T, indices: Tindices",
    rules.adagrad,
    update_slots=True,
)
ApplyAdagradV2, ResourceApplyAdagradV2 = _both(
    "ApplyAdagradV2",
    "var: V, accum: V, lr: T, epsilon: T, grad: T",
    rules.adagrad_v2,
    update_slots=True,
)
SparseApplyAdagradV2, ResourceSparseApplyAdagradV2 = _both(
    "SparseApplyAdagradV2",
    "var: V, accum: V, lr: T, epsilon: T, grad: T, indices: Tindices",
    rules.adagrad_v2,
    update_slots=True,
)
_ACCUMULATORS = "var: V, gradient_accumulator: V, gradient_squared_accumulator: V"
ApplyAdagradDA, ResourceApplyAdagradDA = _both(
    "ApplyAdagradDA",
    f"{_ACCUMULATORS}, grad: T, lr: T, l1: T, l2: T, global_step: int64",
    rules.adagrad_da,
)
SparseApplyAdagradDA, ResourceSparseApplyAdagradDA = _both(
    "SparseApplyAdagradDA",
    f"{_ACCUMULATORS}, grad: T, indices: Tindices, lr: T, l1: T, l2: T, global_step: int64",
    rules.adagrad_da,
)
_ADADELTA = "var: V, accum: V, accum_update: V, lr: T, rho: T, epsilon: T, grad: T"
ApplyAdadelta, ResourceApplyAdadelta = _both("ApplyAdadelta", _ADADELTA, rules.adadelta)
SparseApplyAdadelta, ResourceSparseApplyAdadelta = _both(
    "SparseApplyAdadelta", f"{_ADADELTA}, indices: Tindices", rules.adadelta
)
_RMS = "mom: V, lr: T, rho: T, momentum: T, epsilon: T, grad: T"
ApplyRMSProp, ResourceApplyRMSProp = _both("ApplyRMSProp", f"var: V, ms: V, {_RMS}", rules.rms_prop)
SparseApplyRMSProp, ResourceSparseApplyRMSProp = _both(
    "SparseApplyRMSProp", f"var: V, ms: V, {_RMS}, indices: Tindices", rules.rms_prop
)
ApplyCenteredRMSProp, ResourceApplyCenteredRMSProp = _both(
    "ApplyCenteredRMSProp", f"var: V, mg: V, ms: V, {_RMS}", rules.centered_rms_prop
)
SparseApplyCenteredRMSProp, ResourceSparseApplyCenteredRMSProp = _both(
    "SparseApplyCenteredRMSProp",
    f"var: V, mg: V, ms: V, {_RMS}, indices: Tindices",
    rules.centered_rms_prop,
)
_FTRL = "var: V, accum: V, linear: V, grad: T"
ApplyFtrl, ResourceApplyFtrl = _both(
    "ApplyFtrl",
    f"{_FTRL}, lr: T, l1: T, l2: T, lr_power: T",
    rules.ftrl,
    multiply_linear_by_lr=False,
)
SparseApplyFtrl, ResourceSparseApplyFtrl = _both(
    "SparseApplyFtrl",
    f"{_FTRL}, indices: Tindices, lr: T, l1: T, l2: T, lr_power: T",
    rules.ftrl,
    multiply_linear_by_lr=False,
)
ApplyFtrlV2, ResourceApplyFtrlV2 = _both(
    "ApplyFtrlV2",
    f"{_FTRL}, lr: T, l1: T, l2: T, l2_shrinkage: T, lr_power: T",
    rules.ftrl_v2,
    multiply_linear_by_lr=False,
)
SparseApplyFtrlV2, ResourceSparseApplyFtrlV2 = _both(
    "SparseApplyFtrlV2",
    f"{_FTRL}, indices: Tindices, lr: T, l1: T, l2: T, l2_shrinkage: T, lr_power: T",
    rules.ftrl_v2,
    multiply_linear_by_lr=False,
)
ApplyProximalGradientDescent, ResourceApplyProximalGradientDescent = _both(
    "ApplyProximalGradientDescent",
    "var: V, alpha: T, l1: T, l2: T, delta: T",
    rules.proximal_gradient_descent,
)
SparseApplyProximalGradientDescent, ResourceSparseApplyProximalGradientDescent = _both(
    "SparseApplyProximalGradientDescent",
    "var: V, alpha: T, l1: T, l2: T, grad: T, indices: Tindices",
    rules.proximal_gradient_descent,
)
ApplyProximalAdagrad, ResourceApplyProximalAdagrad = _both(
    "ApplyProximalAdagrad",
    "var: V, accum: V, lr: T, l1: T, l2: T, grad: T",
    rules.proximal_adagrad,
)
SparseApplyProximalAdagrad, ResourceSparseApplyProximalAdagrad = _both(
    "SparseApplyProximalAdagrad",
    "var: V, accum: V, lr: T, l1: T, l2: T, grad: T, indices: Tindices",
    rules.proximal_adagrad,
)
ApplyAddSign, ResourceApplyAddSign = _both(
    "ApplyAddSign",
    "var: V, m: V, lr: T, alpha: T, sign_decay: T, beta: T, grad: T",
    rules.add_sign,
)
ApplyPowerSign, ResourceApplyPowerSign = _both(
    "ApplyPowerSign",
    "var: V, m: V, lr: T, logbase: T, sign_decay: T, beta: T, grad: T",
    rules.power_sign,
)
