"""``evergraph.restore``: what fits is restored, what does not is told, with what may be the reason."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.object_graph import OBJECT_GRAPH_KEY
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.train.partial_restore import restore
from evergraph.train.restore_hints import rules
from evergraph.train.restore_report import RestoreReport
from evergraph.train.saveables import ReferenceVariableSaveable, SaveableObject, SaveSpec
from tests.formats.test_object_graph import node, variable


@pytest.fixture(autouse=True)
def session() -> Iterator[Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def checkpoint(folder: Path, names: Sequence[str], shape: tuple[int, ...] = (2,)) -> str:
    """A checkpoint of tensors that count up from 1."""
    return evergraph.save_checkpoint(
        folder / "m", {name: np.full(shape, i + 1, np.float32) for i, name in enumerate(names)}
    )


def graph(*names: str, shape: tuple[int, ...] = (2,)) -> dict[str, Any]:
    return {
        name: tf.get_variable(name, shape, initializer=tf.zeros_initializer(), use_resource=i % 2)
        for i, name in enumerate(names)
    }


def values(session: Any, variables: dict[str, Any]) -> dict[str, float]:
    return {name: float(session.run(item).flat[0]) for name, item in variables.items()}


def test_everything(tmp_path: Path, session: Any) -> None:
    variables = graph("a", "b", "c")
    before = len(tf.get_default_graph().get_operations())
    report = evergraph.restore(checkpoint(tmp_path, ["a", "b", "c", "d"]))
    assert len(tf.get_default_graph().get_operations()) == before
    assert values(session, variables) == {"a": 1, "b": 2, "c": 3}
    assert report.complete
    assert (report.restored, report.matching) == (("a", "b", "c"),) * 2
    assert (report.missing, report.different, report.unexpected) == ((), (), ("d",))
    assert str(report).startswith("3 of 3 variables restored from")
    assert "does not restore: d." in str(report)


def test_a_finalized_graph_is_restored_into(tmp_path: Path, session: Any) -> None:
    variables = graph("a", "b")
    tf.get_default_graph().finalize()
    for _ in range(2):
        evergraph.restore(checkpoint(tmp_path, ["a", "b"]), session=session)
    assert values(session, variables) == {"a": 1, "b": 2}


def test_strict_or_not(tmp_path: Path, session: Any) -> None:
    variables = graph("a", "lost", "c", "d")
    variables["c"].load(np.float32([9, 9]), session)
    path = evergraph.save_checkpoint(
        tmp_path / "m", {"a": np.ones(2, np.float32), "c": np.ones(3, np.float32), "d": [1, 2]}
    )
    with pytest.raises(errors.NotFoundError) as caught:
        evergraph.restore(path)
    report = caught.value.report
    assert isinstance(report, RestoreReport)
    assert (report.restored, report.matching, report.missing) == ((), ("a",), ("lost",))
    assert [item.wanted.name for item in report.different] == ["c", "d"]
    assert not session.run(tf.is_variable_initialized(variables["a"]))
    assert "strict=False, skip_mismatch=True" in caught.value.message
    with pytest.raises(errors.InvalidArgumentError) as mismatched:
        evergraph.restore(path, strict=False)
    assert "c: float32[2] in the graph, float32[3] in the checkpoint" in mismatched.value.message
    assert mismatched.value.report.missing == ("lost",)
    with pytest.raises(errors.NotFoundError):
        evergraph.restore(path, skip_mismatch=True)
    report = evergraph.restore(path, strict=False, skip_mismatch=True)
    assert report.restored == ("a",)
    assert values(session, {name: variables[name] for name in "ac"}) == {"a": 1, "c": 9}
    text = str(report)
    assert "1 of 4 variables restored" in text
    assert "lost" in text
    assert "d: float32[2] in the graph, int32[2] in the checkpoint" in text


def test_some_variables_under_their_names_there(tmp_path: Path, session: Any) -> None:
    variables = graph("a", "b", "c")
    path = checkpoint(tmp_path, ["x", "b"])
    evergraph.restore(path, {"x": variables["a"]})
    evergraph.restore(path, [variables["b"]])
    assert values(session, {name: variables[name] for name in "ab"}) == {"a": 1, "b": 2}
    assert not session.run(tf.is_variable_initialized(variables["c"]))


def test_renamed(tmp_path: Path, session: Any) -> None:
    variables = graph("net/a", "net/b")
    path = checkpoint(tmp_path, ["old/a", "old/b", "old/c"])
    report = evergraph.restore(path, rename={"^old/": "net/"})
    assert values(session, variables) == {"net/a": 1, "net/b": 2}
    assert report.unexpected == ("net/c",)
    with evergraph.open_checkpoint(path) as opened:
        evergraph.restore(opened.rename({"old": "net"}))
        assert opened["old/a"][0] == 1  # what was opened by the caller stays open


def test_rules_go_on_from_what_is_renamed(tmp_path: Path, session: Any) -> None:
    variables = graph("net/a", "net/b")
    path = checkpoint(tmp_path, ["old/x/a", "old/x/b"])
    with pytest.raises(errors.NotFoundError) as caught:
        evergraph.restore(path, rename={"^old/": ""})
    report = caught.value.report
    assert (report.view, report.rename) == ("renamed", {"^x/": "net/"})
    assert "evergraph.restore(renamed, session=sess, rename={'^x/': 'net/'})" in str(caught.value)
    evergraph.restore(path, rename={"^old/": "", **report.rename})
    assert values(session, variables) == {"net/a": 1, "net/b": 2}


@pytest.mark.shared
def test_a_file_of_the_first_format(shared: Path, session: Any) -> None:
    place = shared / "data" / "edge" / "part_v1"
    with evergraph.open_checkpoint(place) as ckpt:
        whole = tf.get_variable("new/whole", ckpt.shape("whole"), ckpt.dtype("whole"))
        with pytest.raises(errors.NotFoundError) as caught:
            tf.train.Saver().restore(session, ckpt.prefix)
        assert caught.value.report.rename == {"^": "new/"}
        evergraph.restore(ckpt, rename={"^": "new/"})
        np.testing.assert_array_equal(session.run(whole), ckpt["whole"])


def test_parts_of_a_variable(tmp_path: Path, session: Any) -> None:
    with BundleWriter(tmp_path / "m") as writer:
        for i in range(2):
            box = TensorSlice(((2 * i, 2), (0, -1)))
            writer.add_slice("whole", (4, 1), box, np.full((2, 1), i, np.float32))
    whole = tf.get_variable("whole", [4, 1])
    evergraph.restore(tmp_path / "m")
    assert session.run(whole).ravel().tolist() == [0, 0, 1, 1]


def test_parts_of_the_graph_and_a_shape_of_its_own(tmp_path: Path, session: Any) -> None:
    path = evergraph.save_checkpoint(
        tmp_path / "m", {"whole": np.arange(4, dtype=np.float32), "free": np.ones((2, 2))}
    )
    parts = [tf.Variable(np.zeros(2, np.float32), name=f"whole/part_{i}") for i in range(2)]
    free = tf.Variable(np.zeros(3), name="free", validate_shape=False)
    specs = [
        ReferenceVariableSaveable(part._variable, f"4 {2 * i},2", "whole")
        for i, part in enumerate(parts)
    ]
    report = evergraph.restore(path, [*specs[:1], free])
    assert report.restored == ("free", "whole")
    evergraph.restore(path, {"second": specs[1]})
    assert [value.tolist() for value in session.run(parts)] == [[0, 1], [2, 3]]
    assert session.run(free).shape == (2, 2)
    # The whole has another shape than the parts are parts of.
    wrong = ReferenceVariableSaveable(parts[0]._variable, "6 0,2", "whole")
    with pytest.raises(
        errors.InvalidArgumentError, match=r"float32\[6\] in the graph, float32\[4\]"
    ):
        evergraph.restore(path, [wrong])


def test_what_is_no_variable_gets_its_nodes_once(tmp_path: Path, session: Any) -> None:
    variable = tf.get_variable("v", [2])

    class Doubled(SaveableObject):
        def __init__(self) -> None:
            parts = [SaveSpec(variable.value()[i : i + 1], "", f"half_{i}") for i in range(2)]
            super().__init__(variable, parts, "halves")

        def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
            return tf.assign(variable, tf.concat([2 * t for t in restored_tensors], 0))

    halves = Doubled()
    path = evergraph.save_checkpoint(
        tmp_path / "m", {"half_0": np.float32([1]), "half_1": np.float32([2])}
    )
    assert evergraph.restore(path, [halves]).restored == ("half_0", "half_1")
    count = len(tf.get_default_graph().get_operations())
    evergraph.restore(path, [halves])
    assert len(tf.get_default_graph().get_operations()) == count
    assert session.run(variable).tolist() == [2, 4]


def test_refusals(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, ["a"])
    with pytest.raises(ValueError, match="No variables to restore"):
        evergraph.restore(path)
    graph("a")
    with pytest.raises(ValueError, match="needs a session"):
        evergraph.restore(path, session="a session")
    with pytest.raises(errors.NotFoundError):
        evergraph.restore(tmp_path / "nowhere")
    with pytest.raises(errors.InvalidArgumentError, match="no regular expression"):
        evergraph.restore(path, rename={"(": ""})
    assert evergraph.restore is restore


def test_errors_of_a_saver_carry_the_report(tmp_path: Path, session: Any) -> None:
    graph("a", "b")
    with pytest.raises(errors.NotFoundError) as caught:
        tf.train.Saver().restore(session, checkpoint(tmp_path, ["a", "scope/b"]))
    assert caught.value.report.missing == ("b",)
    assert caught.value.report.near["b"] == ("scope/b",)
    assert caught.value.__suppress_context__  # no second error in front of it
    assert pickle.loads(pickle.dumps(caught.value)).report == caught.value.report


def test_a_saver_finds_tensors_by_paths_and_full_names(tmp_path: Path, session: Any) -> None:
    key = "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    objects = node({"layer": 1}) + node({"kernel": 2}) + variable("layer/kernel", "dense/kernel")
    path = evergraph.save_checkpoint(
        tmp_path / "m", {key: np.float32([3, 4]), OBJECT_GRAPH_KEY: objects}
    )
    named = graph("dense/kernel")["dense/kernel"]
    nodes = len(tf.get_default_graph().get_operations())
    for var_list in ([named], {"layer/kernel": named}, {key: named}):
        tf.train.Saver(var_list).restore(session, path)
        assert session.run(named).tolist() == [3, 4]
        session.run(named.initializer)
        evergraph.restore(path, var_list)
        assert session.run(named).tolist() == [3, 4]
    assert len(tf.get_default_graph().get_operations()) > nodes  # the Savers' own
    other = graph("net/dense/kernel")
    with pytest.raises(errors.NotFoundError) as caught:
        evergraph.restore(path, other)
    report = caught.value.report
    assert (report.view, report.rename) == ("full_name", {"^": "net/"})
    assert report.unexpected == ("layer/kernel",)
    assert "object-based" in caught.value.message
    assert "checkpoint.rename(checkpoint.object_graph.full_name)" in caught.value.message
    with evergraph.open_checkpoint(path) as opened:
        evergraph.restore(opened.rename(opened.object_graph.full_name), other, rename=report.rename)
    assert session.run(other["net/dense/kernel"]).tolist() == [3, 4]


def test_a_name_that_says_too_little(tmp_path: Path, session: Any) -> None:
    objects = node({"x": 1, "y": 2}) + variable("x", "Variable") + variable("y", "Variable")
    tensors = {f"{name}/.ATTRIBUTES/VARIABLE_VALUE": np.ones(2, np.float32) for name in "xy"}
    path = evergraph.save_checkpoint(tmp_path / "m", {**tensors, OBJECT_GRAPH_KEY: objects})
    named = graph("Variable")["Variable"]
    with pytest.raises(errors.NotFoundError, match=r"is the name of 2 tensors there .* 'x', 'y'"):
        tf.train.Saver().restore(session, path)
    tf.train.Saver({"y": named}).restore(session, path)
    assert session.run(named).tolist() == [1, 1]


# -------------------------------------------------------------------------------------- the reasons


@pytest.mark.parametrize(
    ("names", "wanted", "rename", "words"),
    [
        ("model/a/w model/b/w", "a/w b/w", {"^model/": ""}, "under 'model/'"),
        ("a/w b/w", "net/a/w net/b/w", {"^": "net/"}, "without 'net/' in front"),
        (
            "x/y/a/w x/y/b/w step",
            "z/a/w z/b/w step",
            {"^x/y/": "z/"},
            "under 'x/y/' instead of 'z/'",
        ),
        (
            "c1/weights c1/biases c2/weights c2/biases",
            "c1/kernel c1/bias c2/kernel c2/bias",
            {r"(^|/)weights(?=/|$)": r"\g<1>kernel", r"(^|/)biases(?=/|$)": r"\g<1>bias"},
            "with 'weights' for 'kernel'",
        ),
        (
            "net/c1/weights net/c2/weights",
            "c1/kernel c2/kernel",
            {r"(^|/)weights(?=/|$)": r"\g<1>kernel", "^net/": ""},
            "with 'weights' for 'kernel', under 'net/'",
        ),
        (
            "a/w/ExponentialMovingAverage b/w/ExponentialMovingAverage",
            "a/w b/w",
            {"/ExponentialMovingAverage$": ""},
            "as moving averages",
        ),
        ("a/w b/w c/w", "a_1/w b_1/w c_1/w", {r"^([^/]+)": r"\g<1>_1"}, "without '_1'"),
        ("a_2/w b_2/w c_2/w", "a/w b/w c/w", {r"^([^/]+?)_\d+(?=/|$)": r"\1"}, "with a counter"),
        ("alpha beta", "gamma delta", {}, None),
    ],
)
def test_rules_are_found(
    tmp_path: Path, session: Any, names: str, wanted: str, rename: dict[str, str], words: str | None
) -> None:
    graph(*wanted.split())
    path = checkpoint(tmp_path, names.split())
    with pytest.raises(errors.NotFoundError) as caught:
        evergraph.restore(path)
    report = caught.value.report
    assert report.rename == rename
    if words:
        assert words in caught.value.message
    if rename:
        # The call that the message shows works.
        line = next(line for line in caught.value.message.splitlines() if "rename=" in line)
        done = eval(line.strip(), {"evergraph": evergraph, "sess": session})
        assert done.complete


def test_a_rule_breaks_nothing_that_fits() -> None:
    assert rules(["s/b"], ["a", "s/b"], ["a", "b"]) == []
    # Two tensors would get one name.
    assert rules(["w"], ["w"], ["x/w", "x/v", "v"]) == []


@pytest.mark.parametrize(
    ("names", "wanted", "sentence"),
    [
        (
            "a a/ExponentialMovingAverage b/ExponentialMovingAverage",
            "a b",
            "there as moving averages only",
        ),
        ("a b", "a b a/ExponentialMovingAverage", "moving averages that the checkpoint has not"),
        ("conv/w", "conv/w conv_1/w", "and also has 'conv/w'. It may hold the model twice"),
        ("w/part_0 w/part_1", "w", "the parts of w were saved one by one, as tensors of their own"),
        ("w", "w/part_0 w/part_1", "of which w/part_0 is a part: parts are restored together"),
        ("w", "w w/Adam w/Adam_1 beta1_power", "All 3 missing names are an optimizer's, as"),
    ],
)
def test_what_usually_lies_behind_it(
    tmp_path: Path, names: str, wanted: str, sentence: str
) -> None:
    graph(*wanted.split())
    with pytest.raises(errors.NotFoundError) as caught:
        evergraph.restore(checkpoint(tmp_path, names.split()))
    assert sentence in caught.value.message


def test_many_names_take_no_longer_than_an_error_may(tmp_path: Path) -> None:
    names = [f"scope_{i % 97}/layer_{i}/kernel" for i in range(5_000)]
    found = rules(["other/" + name for name in names], ["other/" + name for name in names], names)
    assert [(rule.pattern, rule.replacement) for rule in found] == [("^", "other/")]
