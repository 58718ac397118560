"""Dropout: some elements set to zero, the others scaled up so that the sum stays."""

from __future__ import annotations

import numbers
from typing import Any

from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import TensorShape, as_shape
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.arithmetic import Mul, Sub
from evergraph.ops.casts import Cast
from evergraph.ops.constant import constant
from evergraph.ops.division import RealDiv
from evergraph.ops.random import random_uniform
from evergraph.ops.random_seed import get_op_seed
from evergraph.ops.selection import where_v2
from evergraph.ops.shaping import renamed


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """``x`` with each element zero with probability ``rate`` (or ``1 - keep_prob``).

    ``noise_shape``: the shape that is drawn and then broadcast, so that elements are kept or dropped together.
    Raises ValueError where the rate is missing, given twice or not in [0, 1), or ``x`` is not floating point.
    """
    try:
        from_keep_prob = None if keep_prob is None else 1.0 - keep_prob
    except TypeError:
        raise ValueError(
            f"`keep_prob` must be a floating point number or Tensor. Received: keep_prob={keep_prob}"
        ) from None
    rate = renamed("rate", rate, "keep_prob", from_keep_prob)
    if rate is None:
        raise ValueError(f"`rate` must be provided. Received: rate={rate}")
    with name_scope(name, "dropout", [x]):
        is_number = isinstance(rate, numbers.Real)
        if is_number and (rate < 0 or rate >= 1):
            raise ValueError(
                "`rate` must be a scalar tensor or a float in the range [0, 1). "
                f"Received: rate={rate}"
            )
        x = convert_to_tensor(x, name="x")
        kind = x.dtype.base_dtype
        if not kind.is_floating:
            raise ValueError(
                "`x.dtype` must be a floating point tensor as `x` will be scaled. "
                f"Received: x_dtype={kind}"
            )
        if is_number and rate == 0:
            # Ops that are made later keep their default seeds when dropout is switched off.
            get_op_seed(seed)
            return x
        scaled, rate = _scaled(x, rate, is_number)
        drawn = random_uniform(_noise_shape(x, noise_shape), seed=seed, dtype=kind)
        kept: Tensor = where_v2(drawn >= rate, scaled, constant(0, dtype=kind))
        kept.set_shape(x.shape)
        return kept


def _scaled(x: Tensor, rate: Any, is_number: bool) -> tuple[Tensor, Any]:
    """``x / (1 - rate)``, and ``rate`` in the type of ``x``."""
    kind = x.dtype.base_dtype
    if is_number:
        return Mul(x, convert_to_tensor(1 / (1 - rate), dtype=kind)), rate
    if not isinstance(rate, Tensor):
        raise ValueError(f"`rate` must be a scalar or scalar tensor. Received: rate={rate}")
    rate.shape.assert_has_rank(0)
    if rate.dtype != kind:
        if not rate.dtype.is_compatible_with(kind):
            raise ValueError(
                "`x.dtype` must be compatible with `rate.dtype`. "
                f"Received: x.dtype={kind} and rate.dtype={rate.dtype}"
            )
        rate = Cast(rate, DstT=kind, name="rate")
    one = constant(1, dtype=kind)
    return RealDiv(x, Sub(one, rate)), rate


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    """The shape to draw; its unknown sizes are those of ``x``."""
    if noise_shape is None:
        return array.shape(x)
    try:
        wanted = as_shape(noise_shape).dims_or_none
    except (TypeError, ValueError):
        return noise_shape
    if x.dims is None or wanted is None or len(x.dims) != len(wanted):
        return noise_shape
    pairs = zip(wanted, x.dims, strict=True)
    return TensorShape([known if size is None else size for size, known in pairs])
