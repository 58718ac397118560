"""Every op against what TensorFlow 2.15.1 said, recorded: values, gradients, shapes, errors.

The same table runs against live TensorFlow in ``tests/oracle/test_ops.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph.graph import registry
from tests.ops import coverage, goldens, harness
from tests.ops.chains import CHAINS, covered
from tests.ops.harness import check_chain
from tests.ops.rows import ROWS, allowed_types, expand
from tests.ops.table.without_row import WITHOUT_ROW

OPS = sorted(ROWS)
Pair = tuple[dict[str, Any], dict[str, Any]]


@lru_cache(maxsize=4)
def recorded(op: str) -> list[Pair]:
    """The cases of a row, each with TensorFlow's answer."""
    cases = list(expand(ROWS[op]))
    return list(zip(cases, goldens.read(op, cases), strict=True))


def with_kernel(op: str) -> Iterator[Pair]:
    return (pair for pair in recorded(op) if "no_kernel" not in pair[1])


def report(differences: Iterator[str]) -> None:
    found = list(differences)
    shown = "\n  ".join(line[:400] for line in found[:12])
    assert not found, f"{len(found)} differences:\n  {shown}"


def values(op: str) -> Iterator[str]:
    for case, answer in with_kernel(op):
        if "runs" in answer:
            yield from harness.check_values(case, answer, ROWS[op].tolerance, ROWS[op].flips)


@pytest.mark.parametrize("op", OPS)
def test_values(op: str) -> None:
    report(values(op))


@pytest.mark.parametrize("op", OPS)
def test_static_shapes(op: str) -> None:
    report(
        line
        for case, answer in with_kernel(op)
        if "shapes" in answer
        for line in harness.check_shapes(case, answer)
    )


@pytest.mark.parametrize("op", OPS)
def test_gradients(op: str) -> None:
    report(
        line
        for case, answer in with_kernel(op)
        if "gradients" in answer
        for line in harness.check_gradients(case, answer, ROWS[op].tolerance)
    )


@pytest.mark.parametrize("op", [op for op in OPS if any(c.error for c in ROWS[op].cases)])
def test_errors(op: str) -> None:
    report(
        line
        for case, answer in recorded(op)
        if "error" in answer
        for line in harness.check_refusal(case, answer)
    )


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_chains(name: str) -> None:
    cases = list(CHAINS[name].cases())
    pairs = zip(cases, goldens.read(name, cases), strict=True)
    report(line for case, answer in pairs for line in check_chain(CHAINS[name], case, answer))


# --------------------------------------------------------------------------------- the table itself


def test_every_declared_op_has_a_row_or_a_reason() -> None:
    declared = set(registry.declarations())
    proved = set(ROWS) | covered()
    assert declared - proved - set(WITHOUT_ROW) == set(), "no row, and no reason"
    assert proved & set(WITHOUT_ROW) == set(), "a row as well as a reason to have none"
    assert (proved | set(WITHOUT_ROW)) - declared == set(), "in the table, but not declared"


def test_recordings_and_rows_belong_together() -> None:
    assert {path.stem for path in goldens.FOLDER.glob("*.npz")} == set(ROWS) | set(CHAINS)


def test_exclusions_name_types_that_the_op_allows() -> None:
    for op in OPS:
        for attr, reasons in ROWS[op].exclude.items():
            found = registry.lookup(op)
            assert found is not None
            assert set(reasons) <= set(allowed_types(found.attrs[attr])), (op, attr)


def test_the_coverage_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "coverage.md"
    assert page.read_text(encoding="utf-8") == coverage.page(), "run `make record`"


# ----------------------------------------------------------------------------------- mutation check


def broken(value: Any) -> Any:
    """A value that is near the right one, and wrong."""
    if isinstance(value, (list, tuple)):
        return type(value)(broken(item) for item in value)
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype == object:
        wrong = array.copy()
        wrong.ravel()[:1] = b"broken"
        return wrong
    if array.dtype == bool:
        return ~array
    return (array * array.dtype.type(0)).astype(array.dtype) if array.any() else array + 1


def with_outputs() -> Iterator[str]:
    for op in OPS:
        declaration = registry.lookup(op)
        if declaration is not None and declaration.compute is not None and declaration.outputs:
            yield op


@pytest.mark.parametrize("op", list(with_outputs()))
def test_a_broken_compute_is_found(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = registry.declarations()[op]
    right: Any = declaration.compute
    monkeypatch.setattr(declaration, "compute", lambda *a, **k: broken(right(*a, **k)))
    assert next(values(op), None) is not None


@pytest.mark.parametrize("op", ["MatMul", "Conv2D", "Sum", "ConcatV2", "StridedSlice"])
def test_a_broken_shape_rule_is_found(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = registry.lookup(op)
    assert declaration is not None
    monkeypatch.setattr(declaration, "shape", lambda c: [None])
    found = [
        line
        for case, answer in with_kernel(op)
        if "shapes" in answer
        for line in harness.check_shapes(case, answer)
    ]
    assert found


@pytest.mark.parametrize("op", ["MatMul", "Tanh", "Sum", "GatherV2", "Select"])
def test_a_broken_gradient_is_found(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = registry.lookup(op)
    assert declaration is not None
    right: Any = declaration.gradient

    def swapped(node: Any, *grads: Any) -> Any:
        return right(node, *(registry.lookup("Neg")(grad) for grad in grads))

    monkeypatch.setattr(declaration, "gradient", swapped)
    found = [
        line
        for case, answer in with_kernel(op)
        if "gradients" in answer
        for line in harness.check_gradients(case, answer, {})
    ]
    assert found
