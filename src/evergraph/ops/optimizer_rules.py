"""The optimizers' update rules, element by element: each writes a variable and its slots in place.

A rule takes the arrays of the variable, of its slots and of the gradient, all of one shape, then
its settings, scalars of the same type, by name. Source: the papers, and TensorFlow's description of
its ``Apply...`` ops for their order of steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def _one(var: Array) -> Any:
    return var.dtype.type(1)


def gradient_descent(var: Array, delta: Array, *, alpha: Any) -> None:
    """A step of ``alpha`` down the gradient."""
    var -= delta * alpha


def momentum(
    var: Array, accum: Array, grad: Array, *, lr: Any, momentum: Any, use_nesterov: bool
) -> None:
    """Momentum (Polyak), or Nesterov's accelerated gradient."""
    accum *= momentum
    accum += grad
    if use_nesterov:
        var -= grad * lr + accum * momentum * lr
    else:
        var -= accum * lr


def keras_momentum(
    var: Array, accum: Array, grad: Array, *, lr: Any, momentum: Any, use_nesterov: bool
) -> None:
    """Momentum with the step, not the gradient, in the slot."""
    accum *= momentum
    accum -= grad * lr
    if use_nesterov:
        var += accum * momentum - grad * lr
    else:
        var += accum


def _adam_moments(m: Array, v: Array, grad: Array, beta1: Any, beta2: Any) -> None:
    one = _one(m)
    change = np.asarray(grad - m)
    change *= one - beta1
    m += change
    np.multiply(grad, grad, out=change)
    change -= v
    change *= one - beta2
    v += change


def adam(
    var: Array,
    m: Array,
    v: Array,
    grad: Array,
    *,
    beta1_power: Any,
    beta2_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    use_nesterov: bool,
) -> None:
    """Adam (Kingma and Ba), with the paper's second form of the bias correction."""
    one = _one(var)
    alpha = lr * np.sqrt(one - beta2_power) / (one - beta1_power)
    _adam_moments(m, v, grad, beta1, beta2)
    step = np.asarray((grad * (one - beta1) + m * beta1 if use_nesterov else m) * alpha)
    root = np.asarray(np.sqrt(v))
    root += epsilon
    step /= root
    var -= step


def adam_with_amsgrad(
    var: Array,
    m: Array,
    v: Array,
    vhat: Array,
    grad: Array,
    *,
    beta1_power: Any,
    beta2_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
) -> None:
    """Adam with the largest second moment so far (Reddi et al.)."""
    one = _one(var)
    alpha = lr * np.sqrt(one - beta2_power) / (one - beta1_power)
    _adam_moments(m, v, grad, beta1, beta2)
    np.maximum(vhat, v, out=vhat)
    var -= m * alpha / (np.sqrt(vhat) + epsilon)


def ada_max(
    var: Array,
    m: Array,
    v: Array,
    grad: Array,
    *,
    beta1_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
) -> None:
    """AdaMax: Adam by the infinity norm."""
    one = _one(var)
    m += (grad - m) * (one - beta1)
    np.maximum(v * beta2, np.abs(grad), out=v)
    var -= m * (lr / (one - beta1_power)) / (v + epsilon)


def adagrad(var: Array, accum: Array, grad: Array, *, lr: Any, update_slots: bool) -> None:
    """Adagrad (Duchi et al.)."""
    if update_slots:
        accum += grad * grad
    var -= grad * lr * (_one(var) / np.sqrt(accum))


def adagrad_v2(
    var: Array, accum: Array, grad: Array, *, lr: Any, epsilon: Any, update_slots: bool
) -> None:
    """Adagrad with an epsilon beside the root."""
    if update_slots:
        accum += grad * grad
    var -= grad * lr / (np.sqrt(accum) + epsilon)


def adagrad_da(
    var: Array,
    gradient_accumulator: Array,
    gradient_squared_accumulator: Array,
    grad: Array,
    *,
    lr: Any,
    l1: Any,
    l2: Any,
    global_step: Any,
) -> None:
    """Adagrad by dual averaging."""
    step = var.dtype.type(global_step)
    gradient_accumulator += grad
    gradient_squared_accumulator += grad * grad
    pull = gradient_accumulator
    if l1 > 0:
        pull = np.sign(pull) * np.maximum(np.abs(pull) - l1 * step, var.dtype.type(0))
    var[...] = -lr * pull / (l2 * step * lr + np.sqrt(gradient_squared_accumulator))


def adadelta(
    var: Array,
    accum: Array,
    accum_update: Array,
    grad: Array,
    *,
    lr: Any,
    rho: Any,
    epsilon: Any,
) -> None:
    """Adadelta (Zeiler)."""
    rest = _one(var) - rho
    accum *= rho
    accum += grad * grad * rest
    update = np.sqrt(accum_update + epsilon) / np.sqrt(accum + epsilon) * grad
    var -= update * lr
    accum_update *= rho
    accum_update += update * update * rest


def rms_prop(
    var: Array,
    ms: Array,
    mom: Array,
    grad: Array,
    *,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
) -> None:
    """RMSProp (Tieleman and Hinton), with momentum."""
    ms += (grad * grad - ms) * (_one(var) - rho)
    mom *= momentum
    mom += grad * lr / np.sqrt(ms + epsilon)
    var -= mom


def centered_rms_prop(
    var: Array,
    mg: Array,
    ms: Array,
    mom: Array,
    grad: Array,
    *,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
) -> None:
    """RMSProp by the variance: the mean gradient is taken off."""
    rest = _one(var) - rho
    ms += (grad * grad - ms) * rest
    mg += (grad - mg) * rest
    mom *= momentum
    mom += grad * lr / np.sqrt(ms - mg * mg + epsilon)
    var -= mom


def ftrl(
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    *,
    lr: Any,
    l1: Any,
    l2: Any,
    lr_power: Any,
    multiply_linear_by_lr: bool,
) -> None:
    """FTRL-proximal (McMahan et al.)."""
    _ftrl(var, accum, linear, grad, grad, lr, l1, l2, lr_power, multiply_linear_by_lr)


def ftrl_v2(
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    *,
    lr: Any,
    l1: Any,
    l2: Any,
    l2_shrinkage: Any,
    lr_power: Any,
    multiply_linear_by_lr: bool,
) -> None:
    """FTRL-proximal with a penalty on the size of the weights in the gradient."""
    shrunk = grad + var * (l2_shrinkage + l2_shrinkage)
    _ftrl(var, accum, linear, grad, shrunk, lr, l1, l2, lr_power, multiply_linear_by_lr)


def _ftrl(
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    shrunk: Array,
    lr: Any,
    l1: Any,
    l2: Any,
    lr_power: Any,
    multiply_linear_by_lr: bool,
) -> None:
    def power(x: Array) -> Array:
        return np.sqrt(x) if lr_power == -0.5 else np.power(x, -lr_power)

    new_accum = accum + grad * grad
    new_power = power(new_accum)
    if multiply_linear_by_lr:
        linear += shrunk * lr - (new_power - power(accum)) * var
        bound, quadratic = l1 * lr, new_power + (l2 + l2) * lr
    else:
        linear += shrunk - (new_power - power(accum)) / lr * var
        bound, quadratic = l1, new_power / lr + (l2 + l2)
    pulled = (np.sign(linear) * bound - linear) / quadratic
    var[...] = np.where(np.abs(linear) > bound, pulled, var.dtype.type(0))
    accum[...] = new_accum


def proximal_gradient_descent(var: Array, delta: Array, *, alpha: Any, l1: Any, l2: Any) -> None:
    """Gradient descent, then the proximal step for penalties ``l1`` and ``l2``."""
    var[...] = _proximal(var - delta * alpha, alpha, l1, l2)


def proximal_adagrad(var: Array, accum: Array, grad: Array, *, lr: Any, l1: Any, l2: Any) -> None:
    """Adagrad, then the proximal step for penalties ``l1`` and ``l2``."""
    accum += grad * grad
    rate = lr / np.sqrt(accum)
    var[...] = _proximal(var - grad * rate, rate, l1, l2)


def _proximal(point: Array, rate: Any, l1: Any, l2: Any) -> Array:
    if l1 > 0:
        zero = l1.dtype.type(0)
        point = np.sign(point) * np.maximum(np.abs(point) - rate * l1, zero)
    return point / (l2.dtype.type(1) + rate * l2)


def add_sign(
    var: Array,
    m: Array,
    grad: Array,
    *,
    lr: Any,
    alpha: Any,
    sign_decay: Any,
    beta: Any,
) -> None:
    """AddSign (Bello et al.): a larger step where gradient and mean gradient agree."""
    m *= beta
    m += grad * (_one(var) - beta)
    var -= grad * (alpha + sign_decay * (np.sign(grad) * np.sign(m))) * lr


def power_sign(
    var: Array,
    m: Array,
    grad: Array,
    *,
    lr: Any,
    logbase: Any,
    sign_decay: Any,
    beta: Any,
) -> None:
    """PowerSign (Bello et al.): a step that grows where gradient and mean gradient agree."""
    m *= beta
    m += grad * (_one(var) - beta)
    var -= grad * np.exp(logbase * sign_decay * (np.sign(grad) * np.sign(m))) * lr
