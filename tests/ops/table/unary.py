"""Element-wise functions of one input, and the ops that are their gradients."""

from __future__ import annotations

from tests.ops.rows import case, grid, nonzero, positive, row, special, unit, value

ANYWHERE = [case(grid(2, 3)), case(grid()), case(grid(0, 2)), case(special())]
ABOVE = [case(positive(2, 3)), case(positive()), case(positive(0, 2)), case(special())]
INSIDE = [case(unit(2, 3)), case(unit()), case(special())]
APART = [case(nonzero(2, 3)), case(nonzero())]

for op in (
    "Neg",
    "Abs",
    "ComplexAbs",
    "Sign",
    "Square",
    "Exp",
    "Expm1",
    "Tanh",
    "Sigmoid",
    "Sin",
    "Cos",
):
    row(op, *ANYWHERE)
for op in ("Erf", "Erfc", "Atan", "Asinh", "Sinh", "Cosh", "Ceil", "Floor", "Round", "Rint"):
    row(op, *ANYWHERE)
for op in ("Tan", "IsNan", "IsInf", "IsFinite", "Softplus", "Softsign"):
    row(op, *ANYWHERE)
for op in ("Relu", "Relu6", "Elu", "Selu", "Real", "Imag", "Conj", "Angle"):
    row(op, *ANYWHERE)
for op in ("Sqrt", "Rsqrt", "Log", "Lgamma", "Digamma"):
    row(op, *ABOVE)
row("Log1p", case(positive(2, 3)), case(unit(2, 3)), case(special(), T="float"))
row("Acosh", case(positive(2, 3, low=1.25)), case(special()))
for op in ("Asin", "Acos", "Atanh", "Erfinv"):
    row(op, *INSIDE)
row("Ndtri", case(positive(2, 3, low=0.0625, high=0.9375)))
for op in ("Reciprocal", "Inv"):
    row(op, *APART)
row("LeakyRelu", case(grid(2, 3)), case(grid(2, 3), alpha=0.05), case(special()))
for op in ("Igamma", "Igammac", "IgammaGradA"):
    row(op, case(positive(2, 3), positive(2, 3)), case(positive(2, 3), positive(3)))
row("Betainc", case(positive(2, 3), positive(2, 3), positive(2, 3, low=0.0625, high=0.9375)))
row("Zeta", case(positive(2, 3, low=1.25), positive(2, 3)))
row("Polygamma", case(value([0.0, 1.0, 2.0, 3.0]), positive(4)))
row("Complex", case(grid(2, 3), grid(2, 3)), case(grid(), grid(3)))

for op in ("ReluGrad", "Relu6Grad", "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad"):
    row(op, case(grid(2, 3), grid(2, 3)), case(grid(4), value([0, 1, 6, 7])))
row("LeakyReluGrad", case(grid(2, 3), grid(2, 3)), case(grid(3), grid(3), alpha=0.05))
for op in ("SigmoidGrad", "TanhGrad"):
    row(op, case(grid(2, 3), grid(2, 3)))
for op in ("SqrtGrad", "RsqrtGrad", "ReciprocalGrad", "InvGrad"):
    row(op, case(nonzero(2, 3), grid(2, 3)))

row(
    "Cast",
    # Not below zero: a negative float in an unsigned type is undefined in C++.
    case(positive(2, 3, low=0)),
    case(value([-1.5, -0.5, 0.0, 0.5, 1.5, 2.5]), DstT="int32"),
    case(grid(2, 3), DstT="float"),
    case(value([300.0, -1.0, 65536.0]), SrcT="float", DstT="int64"),
    case(value([300, -1, 65536]), SrcT="int32"),
    product=True,
)
