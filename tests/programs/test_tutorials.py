"""The eight tutorial programs, unmodified, print what they should and leave the files they should."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from evergraph import open_checkpoint
from tests.programs.runner import output_of

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def programs(shared: Path) -> Path:
    return shared / "programs"


@pytest.fixture(scope="module")
def trained(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("linear")
    return folder, output_of(programs / "linear_regression_train.py", folder, 400)


def test_training_converges_and_keeps_the_last_five(trained: tuple[Path, list[str]]) -> None:
    folder, lines = trained
    assert [line.split(" w:")[0] for line in lines] == [f"step: {n}" for n in range(49, 400, 50)]
    w, b = map(float, re.findall(r"\[(.*?)\]", lines[-1]))
    assert w == pytest.approx(4, abs=1e-2)
    assert b == pytest.approx(4, abs=1e-2)
    steps = sorted(int(path.stem.split("-")[1]) for path in folder.glob("*.index"))
    assert steps == [200, 250, 300, 350, 400]
    assert sorted(open_checkpoint(folder)) == ["Variable", "Variable_1"]


def test_resuming_reads_what_training_saved(
    programs: Path, trained: tuple[Path, list[str]]
) -> None:
    folder, _ = trained
    lines = output_of(programs / "linear_regression_resume.py", folder)
    paths = [f"{folder}/model.ckpt-{step}" for step in (200, 250, 300, 350, 400)]
    assert lines[0] == str(paths)
    checkpoint = open_checkpoint(folder)
    w, b = checkpoint["Variable"], checkpoint["Variable_1"]
    assert lines[1] == f"w, b: {w} {b}"
    assert lines[2] == f"y(2): {np.reshape(w * np.float32(2) + b, (1, 1))}"


def test_importing_needs_no_model_code(programs: Path, trained: tuple[Path, list[str]]) -> None:
    folder, _ = trained
    lines = output_of(programs / "linear_regression_import.py", folder)
    assert lines == [str(open_checkpoint(folder)["Variable"])]


def test_two_variables(programs: Path, tmp_path: Path) -> None:
    lines = output_of(programs / "two_variables.py", tmp_path)
    assert lines == [
        f"Model saved in file: {tmp_path}/model.ckpt",
        "Model restored.",
        "v1 : [1. 1. 1.]",
        "v2 : [-1. -1. -1. -1. -1.]",
        "v1 : [0. 0. 0.]",
        "v2 : [-1. -1. -1. -1. -1.]",
        "28 operations imported",
    ]
    assert (tmp_path / "graph.pbtxt").read_text().startswith("node {\n  name: ")


def test_convolutions_keep_the_state_of_the_session(programs: Path, tmp_path: Path) -> None:
    lines = output_of(programs / "conv_session.py", tmp_path)
    assert lines == ["restore after init keeps the saved weights; init after restore loses them"]
    shapes = {info.name: info.shape for info in open_checkpoint(tmp_path).tensors}
    assert shapes["conv_1/kernel"] == (3, 3, 3, 32)
    assert shapes["conv_3/bias"] == (64,)


def test_persisting_and_freezing(programs: Path, tmp_path: Path) -> None:
    folder, frozen = tmp_path / "model", tmp_path / "frozen.pb"
    lines = output_of(programs / "persist_ckpt.py", folder)
    assert lines[0] == "predictions :  [ True]"
    assert lines[1] == "27 ops in the final graph."
    assert lines[2] == ("input_holder (<tf.Tensor 'input_holder:0' shape=(1,) dtype=float32>,)")
    assert lines[4] == "W1 (<tf.Tensor 'W1:0' shape=(1,) dtype=float32_ref>,)"
    assert len(lines) == 2 + 27
    lines = output_of(programs / "freeze_ckpt.py", folder, frozen)
    assert lines[:2] == ["predictions :  [ True]", "9 ops in the final graph."]
    assert len(lines) == 2 + 27
    assert frozen.stat().st_size > 0


def test_persisting_as_one_file(programs: Path, tmp_path: Path) -> None:
    lines = output_of(programs / "persist_pb.py", tmp_path / "new" / "model.pb")
    assert lines == [
        "predictions :  [61.]",
        "9 ops in the final graph.",
        'Tensor("predictions:0", shape=(1,), dtype=float32)',
        "from pb :  [61.]",
    ]
