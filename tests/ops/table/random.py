"""Random draws: the same numbers as TensorFlow for the same seeds, over successive runs."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, distinct, grid, row, value

# Beyond one block of the generator, over which the order of the draws shows.
SIZES = [([2, 3], 1, 2), ([700], 87654321, 0), ([2, 600], 0, 5), ([], 3, 4), ([0], 1, 1)]
DRAWS = [case(const(value(shape)), seed=a, seed2=b) for shape, a, b in SIZES]
NEGATIVE = bad("InvalidArgumentError", value([-1]), seed=1)

row("RandomUniform", *DRAWS, NEGATIVE, runs=2)
NORMAL = {"float": 1e-6, "double": 1e-6, "half": 2e-3, "bfloat16": 1.6e-2}
row("RandomStandardNormal", *DRAWS, NEGATIVE, runs=2, tolerance=NORMAL)
row("TruncatedNormal", *DRAWS, NEGATIVE, runs=2, tolerance=NORMAL)
row(
    "RandomUniformInt",
    case(const([2, 3]), const(0), const(10), seed=1, seed2=2),
    case(const([700]), value(-5), value(1000), seed=8, seed2=9),
    bad("InvalidArgumentError", value([2]), value(5), value(5), seed=1),
    runs=2,
)
row(
    "RandomShuffle",
    case(distinct(8), seed=1, seed2=2),
    case(distinct(5, 2), seed=3, seed2=4),
    case(grid(), seed=3, seed2=4),
    runs=2,
)
row(
    "Multinomial",
    case(grid(2, 4), const(6), seed=1, seed2=2),
    case(grid(1, 3), value(300), seed=3, seed2=4),
    runs=2,
)

# What each dtype can hold of these parameters is another distribution, so types are not mixed.
BOUNDS = [(-1, 1), (-3, 2), (2.5, 9), (0.25, 0.5)]
row(
    "ParameterizedTruncatedNormal",
    *(case(const([40]), 0.25, 1.5, low, high, seed=4, seed2=5) for low, high in BOUNDS),
    case(const([2, 30]), [0, 1], [1, 2], [-1, 0], [1, 9], seed=4),
    bad("InvalidArgumentError", value([2]), 0, 1, 2, 1, seed=1),
    runs=2,
    tolerance=NORMAL,
)
NEGATIVE_SIZE = bad("InvalidArgumentError", value([-1]), value(1), seed=1)
ALPHAS = [[0.5, 1, 0.0625], [1.5, 3, 40]]
NO_DERIVATIVE = "the derivative of a gamma draw (RandomGammaGrad) is not there"
row(
    "RandomGamma",
    case(const([20]), value(ALPHAS), seed=1, seed2=2),
    case(const([0, 2]), value(ALPHAS), seed=1, seed2=2),
    case(const([]), value(0.75), seed=3),
    NEGATIVE_SIZE,
    runs=2,
    no_gradient=NO_DERIVATIVE,
)
RATES = value([[0, 0.5, 3], [12, 40, 200]])
row("RandomPoisson", case(const([20]), RATES, seed=1, seed2=2), runs=2, producer=20)
row(
    "RandomPoissonV2",
    case(const([20]), RATES, seed=1, seed2=2),
    case(const([2, 0]), RATES, seed=1),
    NEGATIVE_SIZE,
    runs=2,
)

SEED, KEY, COUNTER, ALG = value([12, 34]), value([56]), value([7, 8]), value(3)
BAD_SEED = value([1, 2, 3])
row("StatelessRandomGetKeyCounter", case(SEED), bad("InvalidArgumentError", BAD_SEED))
row("StatelessRandomGetKeyCounterAlg", case(SEED), bad("InvalidArgumentError", BAD_SEED))
row("StatelessRandomGetAlg", case())
SIGNED_SEEDS = {"Tseed": {"uint32 uint64": "TensorFlow's kernel refuses the type of the seed"}}
for name, options in (
    ("StatelessRandomUniform", {}),
    ("StatelessRandomNormal", {"tolerance": NORMAL}),
    ("StatelessTruncatedNormal", {"tolerance": NORMAL}),
    ("StatelessRandomUniformFullInt", {"exclude": SIGNED_SEEDS}),
):
    row(
        name,
        case(const([2, 300]), SEED),
        case(const([]), SEED),
        bad("InvalidArgumentError", value([2]), BAD_SEED),
        **options,
    )
    row(
        f"{name}V2",
        case(const([2, 300]), KEY, COUNTER, ALG),
        case(const([0]), KEY, COUNTER, value(1)),
        bad("InvalidArgumentError", value([2]), KEY, COUNTER, value(2)),
        bad("InvalidArgumentError", value([2]), value([1, 2]), COUNTER, ALG),
        tolerance=options.get("tolerance", {}),
    )
row(
    "StatelessRandomUniformInt",
    case(const([2, 300]), SEED, 0, 10),
    case(const([0]), SEED, 5, 5),
    bad("InvalidArgumentError", value([2]), SEED, 5, 5),
)
row(
    "StatelessRandomUniformIntV2",
    case(const([2, 300]), KEY, COUNTER, ALG, 0, 10),
    bad("InvalidArgumentError", value([2]), KEY, COUNTER, ALG, 5, 5),
)
row(
    "StatelessMultinomial",
    case(grid(2, 4), const(6), SEED),
    bad("InvalidArgumentError", grid(2, 4), value(6), BAD_SEED),
)
row(
    "StatelessRandomGammaV2",
    case(const([20, 2, 3]), SEED, value(ALPHAS)),
    bad("InvalidArgumentError", value([20]), SEED, value(ALPHAS)),
    no_gradient=NO_DERIVATIVE,
)
row(
    "StatelessRandomGammaV3",
    case(const([20, 2, 3]), KEY, COUNTER, ALG, value(ALPHAS)),
    no_gradient=NO_DERIVATIVE,
)
row(
    "StatelessRandomPoisson",
    case(const([20, 2, 3]), SEED, RATES),
    bad("InvalidArgumentError", value([20]), SEED, RATES),
)
