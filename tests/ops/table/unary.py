"""Element-wise functions of one input, and the ops that are their gradients."""

from __future__ import annotations

from tests.ops.rows import bad, case, grid, nonzero, positive, row, special, unit, value

ANYWHERE = [case(grid(2, 3)), case(grid()), case(grid(0, 2)), case(special())]
ABOVE = [case(positive(2, 3)), case(positive()), case(positive(0, 2)), case(special())]
INSIDE = [case(unit(2, 3)), case(unit()), case(special())]
APART = [case(nonzero(2, 3)), case(nonzero())]
WIDE = case(grid(60, low=-8, high=30))
REAL_EXTREMES = [case(special(), T=kind) for kind in ("bfloat16", "half", "float", "double")]

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
for op in ("Sqrt", "Rsqrt", "Log"):
    row(op, *ABOVE)
row("Lgamma", *ABOVE, WIDE)
# TensorFlow's float32 polygamma, the gradient, is off next to its poles.
row("Digamma", *ABOVE, case(grid(40, low=0.5, high=30)), case(value([-2.5, -0.75, -1.0])))
row("Log1p", case(positive(2, 3)), case(unit(2, 3)), *REAL_EXTREMES)
row("Acosh", case(positive(2, 3, low=1.25)), case(special()))
for op in ("Asin", "Acos", "Atanh", "Erfinv"):
    row(op, *INSIDE)
row("Ndtri", case(positive(2, 3, low=0.0625, high=0.9375)), case(special()))
for op in ("Reciprocal", "Inv"):
    row(op, *APART, *REAL_EXTREMES)
row("LeakyRelu", case(grid(2, 3)), case(grid(2, 3), alpha=0.05), case(special()))
# TensorFlow's algorithms in float32 lose digits that those here, wide inside, keep.
LOOSE = {"float": 2e-5, "double": 1e-12}
GAMMA = [
    case(positive(2, 3), positive(2, 3)),
    case(positive(3, 1), positive(4)),
    case(positive(40, high=6), positive(40, high=9)),
]
for op in ("Igamma", "IgammaGradA"):
    row(op, *GAMMA, case(special(), special()), tolerance=LOOSE)
row("Igammac", *GAMMA, case(special(), value([0, 1, 2, 0.5, 1, 1, 1, 0, 2, -1])), tolerance=LOOSE)
row(
    "Betainc",
    case(positive(40, high=6), positive(40, high=6), positive(40, low=0.0625, high=0.9375)),
    case(positive(), positive(5), value(0.5)),
    case(positive(3), value(2.0), value([0.0, 1.0, 1.5])),
    bad("InvalidArgumentError", positive(2), positive(3), value(0.5)),
    tolerance=LOOSE,
)
row(
    "Zeta",
    case(positive(40, low=1.25, high=9), positive(40, high=12)),
    case(positive(3, 1, low=1.25), positive(4)),
    case(value([1.0, 0.5, 2.0, 2.0, 3.0, 2.5]), value([1.0, 1.0, 0.0, -1.0, -1.5, -1.5])),
    tolerance=LOOSE,
)
row(
    "Polygamma",
    case(value([0.0, 1.0, 2.0, 3.0]), positive(4)),
    case(value([[0.0], [1.0], [4.0]]), positive(5)),
    case(value([1.5, -1.0, 2.0]), positive(3)),
    tolerance=LOOSE,
)
row("Complex", case(grid(2, 3), grid(2, 3)), case(grid(), grid(3)))

for op in ("ReluGrad", "Relu6Grad", "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad"):
    row(op, case(grid(2, 3), grid(2, 3)), case(grid(4), value([0, 1, 6, 7])))
row("LeakyReluGrad", case(grid(2, 3), grid(2, 3)), case(grid(3), grid(3), alpha=0.05))
NOTHING_COMES_IN = [
    case(special(), value([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), T=kind)
    for kind in ("bfloat16", "half", "float", "double")
]
for op in ("SigmoidGrad", "TanhGrad"):
    row(op, case(grid(2, 3), grid(2, 3)), *NOTHING_COMES_IN)
for op in ("SqrtGrad", "RsqrtGrad", "ReciprocalGrad", "InvGrad"):
    row(op, case(nonzero(2, 3), grid(2, 3)), *NOTHING_COMES_IN)

row(
    "Cast",
    # Not below zero: a negative float in an unsigned type is undefined in C++.
    case(positive(2, 3, low=0)),
    case(value([-1.5, -0.5, 0.0, 0.5, 1.5, 2.5]), DstT="int32"),
    case(grid(2, 3), DstT="float"),
    case(value([300.0, -1.0, 65536.0]), SrcT="float", DstT="int64"),
    case(value([300, -1, 65536]), SrcT="int32"),
    case(special(), SrcT="double", DstT="half"),
    case(special(), SrcT="float", DstT="bool"),
    *[
        case(value([1.0009, 1.9999, -3.3]), SrcT=wide, DstT=narrow, Truncate=True)
        for wide, narrow in (
            ("double", "float"),
            ("double", "bfloat16"),
            ("float", "half"),
            ("float", "bfloat16"),
            ("half", "float8_e5m2"),
            ("complex64", "half"),
        )
    ],
    product=True,
)
