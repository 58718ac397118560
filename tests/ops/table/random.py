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
