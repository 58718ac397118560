"""The op table's own machinery: what a row expands to, what counts as different."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops import goldens, harness, rows
from tests.ops.rows import bad, case, const, expand, grid, special, value


@pytest.fixture
def empty_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ROWS", {})


@pytest.mark.usefixtures("empty_table")
def test_every_allowed_type_is_tried_and_exclusions_are_left_out() -> None:
    rows.row("Less", case(grid(2), grid(2)), exclude={"T": {"half int8": "a reason"}})
    types = [one["attrs"]["T"] for one in expand(rows.ROWS["Less"])]
    assert "float" in types
    assert "uint64" in types
    assert not {"half", "int8"} & set(types)
    assert len(types) == len(set(types))


@pytest.mark.usefixtures("empty_table")
def test_several_type_attributes_vary_one_by_one_or_together() -> None:
    rows.row("ArgMin", case(grid(2), const(0)))
    one_by_one = list(expand(rows.ROWS["ArgMin"]))
    rows.ROWS.clear()
    rows.row("ArgMin", case(grid(2), const(0)), product=True)
    together = list(expand(rows.ROWS["ArgMin"]))
    assert len(together) > 2 * len(one_by_one)


@pytest.mark.usefixtures("empty_table")
def test_a_seed_changes_the_inputs_and_nothing_else() -> None:
    rows.row("Neg", case(grid(3, 3)))
    own, again, fresh = (list(expand(rows.ROWS["Neg"], seed)) for seed in (None, None, 5))
    assert goldens.digest(own) == goldens.digest(again) != goldens.digest(fresh)
    assert [one["attrs"] for one in own] == [one["attrs"] for one in fresh]


@pytest.mark.usefixtures("empty_table")
def test_a_bad_use_is_tried_on_one_type() -> None:
    rows.row("Neg", case(special()), bad("InvalidArgumentError", value([1])))
    assert [one["error"] for one in expand(rows.ROWS["Neg"])].count("InvalidArgumentError") == 1


@pytest.mark.usefixtures("empty_table")
def test_a_second_row_for_an_op_is_refused() -> None:
    rows.row("Neg", case(grid(3)))
    with pytest.raises(ValueError, match="two rows"):
        rows.row("Neg", case(grid(3)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (np.float32([1, 2]), np.float64([1, 2])),
        (np.float32([1, 2]), np.float32([[1, 2]])),
        (np.float32([1, 2.001]), np.float32([1, 2])),
        (np.float32([1, np.nan]), np.float32([1, 2])),
        (np.float32([1, np.inf]), np.float32([1, -np.inf])),
        (np.int32([1, 2]), np.int32([1, 3])),
        (np.array([b"a", b"b"], object), np.array([b"a", b"c"], object)),
        (np.array([True]), np.array([False])),
    ],
)
def test_differences_are_found(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert harness.compare(ours, theirs, {})
    assert not harness.compare(theirs, theirs, {})


def test_flips_are_counted() -> None:
    theirs = np.arange(100, dtype=np.float32)
    ours = theirs.copy()
    ours[7] += 1
    assert harness.compare(ours, theirs, {})
    assert not harness.compare(ours, theirs, {}, flips=0.01)


def test_an_old_recording_is_refused(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goldens, "FOLDER", tmp_path)
    cases = [{"op": "Neg", "label": "case 0", "inputs": [], "attrs": {}}]
    answers = [{"runs": [{"outputs": [np.float32([1, 2])]}]}]
    goldens.write("Neg", cases, answers, "2.15.1")
    (kept,) = goldens.read("Neg", cases)
    np.testing.assert_array_equal(kept["runs"][0]["outputs"][0], [1, 2])
    with pytest.raises(goldens.Outdated, match="make record"):
        goldens.read("Neg", [{**cases[0], "attrs": {"T": "float"}}])
    with pytest.raises(goldens.Outdated, match="no recording"):
        goldens.read("Abs", cases)
