"""Cells of recurrent networks as single ops: LSTM (with peepholes, clipped), whole LSTM layers, GRU.

Source of the formulas: the documentation of the ops, and TensorFlow's core/kernels/rnn/lstm_ops.h (order of the gates).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph import shape as shapes
from evergraph.graph.registry import op

_T = "{half, float}"
_INPUTS = "x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T"
_OUTPUTS = "i: T, cs: T, f: T, o: T, ci: T, co: T, h: T"


def _sigmoid(xp: Any, x: Any) -> Any:
    return (1 / (1 + xp.exp(-x))).astype(x.dtype)


def _step(
    xp: Any, x: Any, state: Any, output: Any, weights: Any, peepholes: Any, bias: Any,
    forget_bias: float, cell_clip: float, layout: str,
) -> tuple[Any, ...]:  # fmt: skip
    """One step of an LSTM. ``layout`` says in which order the gates' columns stand: ``icfo`` or ``ifco``."""
    whole = xp.matmul(xp.concatenate([x, output], 1), weights) + bias
    gates = dict(zip(layout, xp.split(whole, 4, 1), strict=True))
    to_in, to_forget, to_out = peepholes
    i = _sigmoid(xp, gates["i"] + to_in * state)
    f = _sigmoid(xp, gates["f"] + x.dtype.type(forget_bias) + to_forget * state)
    new = xp.tanh(gates["c"])
    cs = new * i + state * f
    if cell_clip > 0:
        cs = xp.clip(cs, -cell_clip, cell_clip).astype(x.dtype)
    o = _sigmoid(xp, gates["o"] + to_out * cs)
    co = xp.tanh(cs)
    return i, cs, f, o, new, co, co * o


def _widened(values: Any) -> Any:
    return [value.astype(np.float32) if value.dtype == np.float16 else value for value in values]


def _peepholes(use: bool, wci: Any, wcf: Any, wco: Any) -> Any:
    return (wci, wcf, wco) if use else (np.float32(0),) * 3


@op(
    "LSTMBlockCell",
    f"{_INPUTS} -> {_OUTPUTS}",
    forget_bias=1.0,
    cell_clip=3.0,
    use_peephole=False,
    T=_T,
)
class LSTMBlockCell:
    def shape(c):
        x, state = shapes.with_rank(c.shape(0), 2), shapes.with_rank(c.shape(1), 2)
        return [(x[0], state[1])] * 7

    def compute(
        xp, x, cs_prev, h_prev, w, wci, wcf, wco, b, *, forget_bias, cell_clip, use_peephole
    ):
        kind = x.dtype
        x, cs_prev, h_prev, w, wci, wcf, wco, b = _widened(
            [x, cs_prev, h_prev, w, wci, wcf, wco, b]
        )
        peepholes = _peepholes(use_peephole, wci, wcf, wco)
        found = _step(xp, x, cs_prev, h_prev, w, peepholes, b, forget_bias, cell_clip, "icfo")
        return tuple(value.astype(kind) for value in found)


def _layer(
    xp: Any, length: Any, x: Any, state: Any, output: Any, w: Any, peepholes: Any, b: Any,
    forget_bias: float, cell_clip: float, layout: str,
) -> tuple[Any, ...]:  # fmt: skip
    """Steps over the first dimension of ``x``; zeros after ``length`` of them."""
    kind = x.dtype
    x, state, output, w, b = _widened([x, state, output, w, b])
    rows = []
    for step in x[: int(length)]:
        found = _step(xp, step, state, output, w, peepholes, b, forget_bias, cell_clip, layout)
        state, output = found[1], found[6]
        rows.append(found)
    rest = xp.zeros((x.shape[0] - len(rows), *state.shape), kind)
    return tuple(
        xp.concatenate([xp.stack([row[k] for row in rows]).astype(kind), rest]) if rows else rest
        for k in range(7)
    )


def _layer_shape(c):
    x, bias = shapes.with_rank(c.shape(1), 3), shapes.with_rank(c.shape(8), 1)
    size = None if bias[0] is None else bias[0] // 4
    return [(x[0], x[1], size)] * 7


@op(
    "BlockLSTM",
    f"seq_len_max: int64, {_INPUTS} -> {_OUTPUTS}",
    forget_bias=1.0,
    cell_clip=3.0,
    use_peephole=False,
    T=_T,
    host=True,
)
class BlockLSTM:
    shape = _layer_shape

    def compute(
        xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, *,
        forget_bias, cell_clip, use_peephole
    ):  # fmt: skip
        peepholes = _peepholes(use_peephole, *_widened([wci, wcf, wco]))
        return _layer(
            xp, seq_len_max, x, cs_prev, h_prev, w, peepholes, b, forget_bias, cell_clip, "icfo"
        )


@op(
    "BlockLSTMV2",
    f"seq_len_max: int64, {_INPUTS} -> {_OUTPUTS}",
    cell_clip=0.0,
    use_peephole=False,
    T=_T,
    host=True,
)
class BlockLSTMV2:
    shape = _layer_shape

    def compute(
        xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, *, cell_clip, use_peephole
    ):
        peepholes = _peepholes(use_peephole, *_widened([wci, wcf, wco]))
        return _layer(xp, seq_len_max, x, cs_prev, h_prev, w, peepholes, b, 0.0, cell_clip, "ifco")


@op(
    "GRUBlockCell",
    "x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T -> r: T, u: T, c: T, h: T",
    T="{float}",
)
class GRUBlockCell:
    def shape(c):
        x, state = shapes.with_rank(c.shape(0), 2), shapes.with_rank(c.shape(1), 2)
        return [(x[0], state[1])] * 4

    def compute(xp, x, h_prev, w_ru, w_c, b_ru, b_c):
        gates = _sigmoid(xp, xp.matmul(xp.concatenate([x, h_prev], 1), w_ru) + b_ru)
        r, u = xp.split(gates, 2, 1)
        c = xp.tanh(xp.matmul(xp.concatenate([x, h_prev * r], 1), w_c) + b_c)
        return r, u, c, u * h_prev + (1 - u) * c
