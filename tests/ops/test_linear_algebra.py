"""Decompositions, of which signs are free: the factors multiply to the matrix, and are what they should be."""

from __future__ import annotations

import numpy as np
import pytest

from evergraph.graph.graph import Graph
from evergraph.ops import linear_algebra
from evergraph.ops.constant import constant
from evergraph.runtime.session import Session

MATRIX = np.random.RandomState(1).randn(2, 4, 3)


def run(build):  # type: ignore[no-untyped-def]
    with Graph().as_default(), Session() as session:
        return session.run(build())


@pytest.mark.parametrize("full", [False, True])
def test_svd(full: bool) -> None:
    s, u, v = run(lambda: linear_algebra.svd(constant(MATRIX), full_matrices=full))
    assert u.shape == ((2, 4, 4) if full else (2, 4, 3))
    product = u[..., :3] * s[:, None] @ np.swapaxes(v, -1, -2)
    np.testing.assert_allclose(product, MATRIX, atol=1e-12)
    np.testing.assert_allclose(
        np.swapaxes(u, -1, -2) @ u, np.eye(u.shape[-1]) + 0 * u[:, :1, :1], atol=1e-12
    )


def test_svd_without_vectors() -> None:
    s = run(lambda: linear_algebra.svd(constant(MATRIX), compute_uv=False))
    np.testing.assert_allclose(s, np.linalg.svd(MATRIX)[1])


def test_self_adjoint_eigenvalues() -> None:
    matrix = MATRIX @ np.swapaxes(MATRIX, -1, -2)
    e, v = run(lambda: linear_algebra.self_adjoint_eig(constant(matrix)))
    np.testing.assert_allclose(v * e[:, None] @ np.swapaxes(v, -1, -2), matrix, atol=1e-12)
    assert (np.diff(e) >= 0).all()
    only = run(lambda: linear_algebra.self_adjoint_eigvals(constant(matrix)))
    np.testing.assert_allclose(only, e, atol=1e-12)


def test_cholesky_of_what_is_not_positive_definite() -> None:
    found = run(lambda: linear_algebra.cholesky(constant([[[1.0, 2], [2, 1]], [[4, 2], [2, 5]]])))
    assert np.isnan(found[0][np.tril_indices(2)]).all()
    np.testing.assert_allclose(found[1], [[2, 0], [1, 2]])
