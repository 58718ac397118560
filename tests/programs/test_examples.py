"""The project's own examples print what they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.runner import output_of

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_train_and_resume(tmp_path: Path) -> None:
    lines = output_of(EXAMPLES / "train_and_resume.py", tmp_path)
    assert lines[0].startswith("step 200: loss ")
    assert lines[1] == "going on from trees-200"
    assert lines[2].startswith("step 500: loss ")
    first, second = (float(lines[i].split()[-1]) for i in (0, 2))
    # The least squares line leaves a mean square of 27.1.
    assert second < first
    assert second == pytest.approx(27.11, abs=0.05)
    assert lines[3] == "kept: ['trees-300', 'trees-400', 'trees-500']"
    assert lines[4] == "a girth of 13 inches: 25.7 cubic feet"


def test_parts_of_a_model(tmp_path: Path) -> None:
    assert output_of(EXAMPLES / "parts_of_a_model.py", tmp_path) == [
        "saved as stock.ckpt",
        "shelves: [ 8  5 22] cellar: [100  60  60   5]",
        "shelves: [0 0 0] basement: [100  60  60   5]",
        "stock.pb holds 26 operations",
        "stock.pbtxt holds 26 operations",
    ]


def test_session_state(tmp_path: Path) -> None:
    assert output_of(EXAMPLES / "session_state.py", tmp_path) == [
        "features: (3, 7, 7, 16)",
        "restored after initializing: same",
        "initialized after restoring: different",
    ]


def test_freeze_and_predict(tmp_path: Path) -> None:
    assert output_of(EXAMPLES / "freeze_and_predict.py", tmp_path) == [
        "25 nodes became 7",
        "inputs ['area'], outputs ['rent']",
        "by hand: [ 715. 1060.]",
        "by call: [ 715. 1060.]",
    ]


def test_export_and_serve(tmp_path: Path) -> None:
    assert output_of(EXAMPLES / "export_and_serve.py", tmp_path) == [
        "in a session: [690.]",
        "as a function: [690.]",
        "for a year: [8280.]",
    ]
    assert (tmp_path / "rent" / "1" / "saved_model.pb").exists()


def test_every_example_is_listed_and_tested() -> None:
    readme = (EXAMPLES / "README.md").read_text()
    here = Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f"`{path.name}`" in readme
        assert path.name in here
