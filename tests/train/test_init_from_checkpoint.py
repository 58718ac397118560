"""Variables that begin with a checkpoint: every form of the assignment map, and what is said where it does not fit."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.checkpoint_saving import save_checkpoint

STORED = {
    "old/a": np.array([1.5, -2.0, 3.0], np.float32),
    "old/deep/b": np.array(7, np.int64),
    "old/w": np.arange(12, dtype=np.float32).reshape(4, 3),
    "a": np.array([0.5, 0.5, 0.5], np.float32),
}


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    return save_checkpoint(tmp_path / "model-5", STORED, update_state=True)


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def variables(request: pytest.FixtureRequest) -> Any:
    with tf.variable_scope("new", use_resource=request.param):
        return tf.get_variable("a", [3]), tf.get_variable("deep/b", [], tf.int64)


def parts(scope: str = "new") -> list[Any]:
    with tf.variable_scope(scope):
        found = [tf.get_variable(f"w/part_{i}", [2, 3]) for i in range(2)]
    for i, part in enumerate(found):
        part._set_save_slice_info(
            tf.Variable.SaveSliceInfo(f"{scope}/w", [4, 3], [2 * i, 0], [2, 3])
        )
    return found


def initialized(*wanted: Any) -> list[Any]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(variable) for variable in wanted]


MAPS = {
    "variables": lambda a, b: {"old/a": a, "old/deep/b": b},
    "names": lambda a, b: {"old/a": "new/a", "old/deep/b": "new/deep/b"},
    "a scope": lambda a, b: {"old/": "new/"},
    "pairs": lambda a, b: [("old/deep/b", b), ("old/a", a)],
}


@pytest.mark.parametrize("form", MAPS)
def test_every_form(form: str, variables: Any, prefix: str) -> None:
    tf.train.init_from_checkpoint(prefix, MAPS[form](*variables))
    a, b = initialized(*variables)
    np.testing.assert_array_equal(a, STORED["old/a"])
    assert b == 7


def test_the_root(prefix: str) -> None:
    with tf.variable_scope("x"):
        mine = tf.get_variable("a", [3])
    tf.train.init_from_checkpoint(prefix, {"/": "x/"})
    np.testing.assert_array_equal(initialized(mine)[0], STORED["a"])


@pytest.mark.parametrize("form", ["list", "name", "scope"])
def test_parts_load_their_parts(form: str, prefix: str) -> None:
    found = parts()
    key, value = {"list": ("old/w", found), "name": ("old/w", "new/w"), "scope": ("old/", "new/")}[
        form
    ]
    tf.train.init_from_checkpoint(prefix, {key: value})
    np.testing.assert_array_equal(np.concatenate(initialized(*found)), STORED["old/w"])


def test_a_name_that_only_looks_like_a_part(tmp_path: Path) -> None:
    prefix = save_checkpoint(tmp_path / "m", {"old/w/part_time": STORED["a"]})
    with tf.variable_scope("new"):
        mine = tf.get_variable("w/part_time", [3])
    tf.train.init_from_checkpoint(prefix, {"old/": "new/"})
    np.testing.assert_array_equal(initialized(mine)[0], STORED["a"])


def test_nothing_is_read_before_the_initializer_runs(variables: Any, prefix: str) -> None:
    before = tf.global_variables_initializer()
    tf.train.init_from_checkpoint(Path(prefix).parent, {"old/a": variables[0]})
    save_checkpoint(prefix, {**STORED, "old/a": np.array([9, 9, 9], np.float32)})
    with tf.Session() as session:
        session.run(before)
        assert session.run(variables[0]).tolist() != [9, 9, 9]
        session.run(variables[0].initializer)
        assert session.run(variables[0]).tolist() == [9, 9, 9]


def test_a_variable_can_still_be_given_a_value(variables: Any, prefix: str) -> None:
    tf.train.init_from_checkpoint(prefix, {"old/a": variables[0]})
    assert variables[0].initial_value.shape.as_list() == [3]
    with tf.Session() as session:
        variables[0].load([4, 5, 6], session)
        assert session.run(variables[0]).tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ({"old/A": "new/a"}, "Tensor old/A is not found .* which has 4 tensors.*'old/a'"),
        ({"ol/": "new/"}, r"Tensor ol/a \(for variable new/a\) is not found"),
        ({"old/a": "new/aa"}, "no variable 'new/aa' that tf.get_variable has made.*'new/a'"),
        ({"old/": "new"}, "end both names with '/': 'old/': 'new/'"),
        ({"old/w": "new/a"}, r"Shape of variable new/a:0 \(\[3\]\).* old/w \(\[4, 3\]\)"),
        ({"old/a": "made"}, "There is one that tf.Variable has made: give the variable itself"),
        ({"old/a": 5}, "not 5"),
    ],
)
def test_what_does_not_fit(assignment: Any, message: str, variables: Any, prefix: str) -> None:
    tf.Variable([1.0, 2.0, 3.0], name="made")
    with pytest.raises(ValueError, match=message):
        tf.train.init_from_checkpoint(prefix, assignment)


def test_parts_of_several(prefix: str) -> None:
    with pytest.raises(ValueError, match="Slices must all be from the same tensor: x/w != y/w"):
        tf.train.init_from_checkpoint(prefix, {"old/w": [parts("x")[0], parts("y")[0]]})
    with pytest.raises(ValueError, match="not a part"):
        tf.train.init_from_checkpoint(prefix, {"old/w": [tf.get_variable("whole", [4, 3])]})
    with pytest.raises(ValueError, match=r"z/w \(\[4, 3\]\).* old/a \(\[3\]\)"):
        tf.train.init_from_checkpoint(prefix, {"old/a": parts("z")})


def test_a_scope_with_nothing_in_it_is_noticed(
    variables: Any, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "evergraph"):
        tf.train.init_from_checkpoint(prefix, {"old/": "nwe/"})
    assert "no variable under 'nwe/'" in caplog.text
    assert "'new/'" in caplog.text


def test_no_checkpoint(variables: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.NotFoundError, match="There is no checkpoint"):
        tf.train.init_from_checkpoint(str(tmp_path / "none"), {"a": variables[0]})
