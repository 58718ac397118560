"""The same declarations under a compiler: ``compute`` traced with ``jax.numpy``, jitted, compared.

Inputs named by ``static=`` are host arrays while tracing, all others are tracers. Stateful ops, ops
that say they stay on the host and ops on references are not for a compiler, and not tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="the extra 'jax' is not installed")

import jax.numpy as jnp  # noqa: E402

from evergraph.graph import attributes, registry  # noqa: E402
from tests.ops import goldens, harness, table  # noqa: E402, F401 - the table fills ROWS
from tests.ops.rows import ROWS, expand  # noqa: E402

# Declared for a compiler, and not traceable yet.
INDEXING = "picks with NumPy's indexing, by values"
NOT_TRACED = {
    "CropAndResize": INDEXING,
    "CropAndResizeGradBoxes": INDEXING,
    "CropAndResizeGradImage": INDEXING,
    "IdentityN": "its row has strings",
    "MaxPool3DGrad": INDEXING,
    "MaxPool3DGradGrad": INDEXING,
    "MaxPoolGrad": INDEXING,
    "MaxPoolGradGrad": INDEXING,
    "MaxPoolGradV2": INDEXING,
    "MaxPoolGradWithArgmax": INDEXING,
    "MaxPoolWithArgmax": INDEXING,
    "Merge": "the executor's own: which input is alive",
    "ResizeArea": INDEXING,
    "ResizeBicubicGrad": INDEXING,
    "ResizeBilinearGrad": INDEXING,
    "ResizeNearestNeighborGrad": INDEXING,
    "SparseReorder": "its order hangs on the values of the indices",
    "SparseTensorDenseAdd": "its indices are checked",
    "SparseTensorDenseMatMul": "its indices are checked",
    "Polygamma": "JAX wants its order as an integer",
}
# XLA's own approximations of these are coarser than NumPy's.
LOOSE = {"float": 2e-5, "complex64": 2e-5}


def traceable(op: str) -> bool:
    found = registry.lookup(op)
    assert found is not None
    return not (found.stateful or found.host or found.has_ref_inputs) and bool(found.outputs)


TRACED = [op for op in sorted(ROWS) if op not in NOT_TRACED and traceable(op)]


@pytest.fixture(autouse=True)
def wide_types() -> Iterator[None]:
    """64-bit types, on the CPU."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    with jax.default_device(jax.devices("cpu")[0]):
        yield
    jax.config.update("jax_enable_x64", before)


def test_enough_ops_are_traced() -> None:
    with_static = [op for op in TRACED if registry.declarations()[op].static]
    assert len(TRACED) >= 100
    assert len(with_static) >= 10


@pytest.mark.parametrize("op", TRACED)
def test_jit_gives_tensorflows_values(op: str) -> None:
    cases = list(expand(ROWS[op]))
    compared = 0
    # Compiling is what takes the time; two cases of an op are enough to see that it can be done.
    for case, answer in zip(cases, goldens.read(op, cases), strict=True):
        if not case["shapes"] or "runs" not in answer or has_strings(case):
            continue
        found = jitted(case)
        assert len(found) == len(answer["runs"][0]["outputs"])
        for ours, theirs in zip(found, answer["runs"][0]["outputs"], strict=True):
            tolerance = {**LOOSE, **ROWS[op].tolerance}
            assert harness.compare(np.asarray(ours), theirs, tolerance) == "", case["label"]
        compared += 1
        if compared == 2:
            break
    assert compared


def has_strings(case: dict[str, Any]) -> bool:
    entries = [
        e for given in case["inputs"] for e in (given if isinstance(given, list) else [given])
    ]
    return any(entry["value"].dtype == object for entry in entries)


def jitted(case: dict[str, Any]) -> list[Any]:
    """The outputs of a case, computed by XLA."""
    declaration = registry.declarations()[case["op"]]
    attrs = dict(declaration.defaults)
    for name, value in case["attrs"].items():
        attrs[name] = attributes.normalize(declaration.attrs[name], value, case["op"])
    attrs.setdefault("N", len(case["inputs"][0]) if case["inputs"] else 0)
    keywords = {name: attrs[name] for name in declaration.compute_attrs}
    inputs = [
        tuple(entry["value"] for entry in given) if isinstance(given, list) else given["value"]
        for given in case["inputs"]
    ]
    free = [index for index in range(len(inputs)) if index not in declaration.static]
    right: Any = declaration.compute
    # A NumPy function stands for its namesake.
    namesake = getattr(jnp, right.__name__) if isinstance(right, np.ufunc) else None

    def compute(*traced: Any) -> Any:
        every = list(inputs)
        for index, tracer in zip(free, traced, strict=True):
            every[index] = tracer
        return namesake(*every) if namesake else right(jnp, *every, **keywords)

    found = jax.jit(compute)(*[inputs[index] for index in free])
    return jax.tree_util.tree_leaves(found)
