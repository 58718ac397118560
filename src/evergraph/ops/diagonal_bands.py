"""Bands of diagonals of matrices, packed into rows: the arithmetic behind ``evergraph.ops.diagonals``.

Diagonal d of a matrix begins in column d (d > 0) or row -d (d < 0). A band from d_lower to d_upper
is packed as one row a diagonal, the highest first; shorter ones are aligned to the left or right,
those above the main one (d >= 0) and those below apart. Source of the rules: the documentation of
MatrixDiagV3 and its kin (core/api_def), and kernels/matrix_diag_op.cc for what is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes


class Part(NamedTuple):
    """One diagonal of a band: its row in the packed form, its columns there, its place in the
    matrix.
    """

    number: int
    columns: slice
    rows: Any
    cols: Any


class Band(NamedTuple):
    """Diagonals ``lower`` to ``upper``."""

    lower: int
    upper: int

    @classmethod
    def read(cls, k: Any) -> Band:
        """The band that ``k`` (one number, or two) means. Raises InvalidArgumentError for another."""
        numbers = k.ravel().tolist()
        if not 1 <= len(numbers) <= 2:
            refuse(
                "diag_index must be a scalar or vector with one or two elements, received "
                f"{len(numbers)} elements."
            )
        band = cls(numbers[0], numbers[-1])
        if band.lower > band.upper:
            refuse(
                f"lower_diag_index must not be larger than upper_diag_index: {band.lower} > "
                f"{band.upper}"
            )
        return band

    @property
    def number(self) -> int:
        return self.upper - self.lower + 1

    def longest(self, rows: int, cols: int) -> int:
        """The length of the longest diagonal."""
        return min(rows + min(self.upper, 0), cols - max(self.lower, 0))

    def check(self, rows: int, cols: int) -> None:
        """Raises InvalidArgumentError where the band is not inside a matrix of this size."""
        for name, d in (("lower", self.lower), ("upper", self.upper)):
            if d and not -rows < d < cols:
                refuse(
                    f"{name}_diag_index is out of bound: {d}. It must be between {-rows} and {cols}"
                )

    def parts(self, rows: int, cols: int, align: str) -> Iterator[Part]:
        """The diagonals of a matrix of this size, the highest first."""
        longest = self.longest(rows, cols)
        above, _, below = align.partition("_")
        for d in range(self.upper, self.lower - 1, -1):
            length = min(rows + min(d, 0), cols - max(d, 0))
            left = (d >= 0 and above == "LEFT") or (d <= 0 and below == "LEFT")
            start = 0 if left else longest - length
            steps = np.arange(length)
            yield Part(
                self.upper - d,
                slice(start, start + length),
                steps + max(-d, 0),
                steps + max(d, 0),
            )


def refuse(message: str) -> None:
    """Raises InvalidArgumentError."""
    raise errors.InvalidArgumentError(None, None, message)


def diagonals_of(xp: Any, matrices: Any, band: Band, padding: Any, align: str) -> Any:
    """The band of ``matrices`` [..., m, n], packed; without the row's dimension for one diagonal."""
    if matrices.ndim < 2:
        refuse(f"input must be at least 2-dim, received shape: {shapes.text(matrices.shape)}")
    rows, cols = matrices.shape[-2:]
    band.check(rows, cols)
    packed = xp.full(
        (*matrices.shape[:-2], band.number, band.longest(rows, cols)), padding, matrices.dtype
    )
    for part in band.parts(rows, cols, align):
        picked = matrices[..., part.rows, part.cols]
        if xp is np:
            packed[..., part.number, part.columns] = picked
        else:
            packed = packed.at[..., part.number, part.columns].set(picked)
    return packed[..., 0, :] if band.number == 1 else packed


def with_diagonals(xp: Any, matrices: Any, diagonals: Any, band: Band, align: str) -> Any:
    """``matrices`` [..., m, n], which may be written to, with their band replaced."""
    rows, cols = matrices.shape[-2:]
    band.check(rows, cols)
    packed = diagonals[..., None, :] if band.number == 1 else diagonals
    wanted = (*matrices.shape[:-2], band.number, band.longest(rows, cols))
    if packed.shape != wanted:
        refuse(
            f"diagonal must have the shape of the band {list(band)} of the input, "
            f"{shapes.text(wanted)}, got {shapes.text(diagonals.shape)}"
        )
    for part in band.parts(rows, cols, align):
        given = packed[..., part.number, part.columns]
        if xp is np:
            matrices[..., part.rows, part.cols] = given
        else:
            matrices = matrices.at[..., part.rows, part.cols].set(given)
    return matrices


def matrix_size(longest: int, band: Band, rows: int, cols: int) -> tuple[int, int]:
    """The size of the matrix that diagonals of length ``longest`` make; -1: the least there is.

    Raises InvalidArgumentError where they do not fit into ``rows`` and ``cols``.
    """
    least_rows = longest - min(band.upper, 0)
    least_cols = longest + max(band.lower, 0)
    if rows == -1 and cols == -1:
        rows = cols = max(least_rows, least_cols)
    rows = least_rows if rows == -1 else rows
    cols = least_cols if cols == -1 else cols
    if rows < least_rows:
        refuse(f"The number of rows is too small: {rows} < {least_rows}")
    if cols < least_cols:
        refuse(f"The number of columns is too small: {cols} < {least_cols}")
    if rows != least_rows and cols != least_cols:
        refuse(
            "The number of rows or columns is not consistent with the specified d_lower, d_upper, "
            "and diagonal."
        )
    return rows, cols
