"""``tf.contrib.framework``: variables by name, values into them, argument scopes, checks."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph.tf1 as tf
from evergraph import errors
from evergraph.contrib import framework
from evergraph.formats.checkpoint_saving import save_checkpoint


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def names(variables: list[Any]) -> list[str]:
    return [variable.op.name for variable in variables]


# ------------------------------------------------------------------------------- argument scopes


@framework.add_arg_scope
def layer(inputs: Any, units: int = 1, scale: float = 1.0, name: str | None = None) -> Any:
    """A layer."""
    return inputs, units, scale, name


def test_defaults_hold_within() -> None:
    with framework.arg_scope([layer], units=5, scale=2.0):
        assert layer("x") == ("x", 5, 2.0, None)
        assert layer("x", scale=3.0) == ("x", 5, 3.0, None)
        with framework.arg_scope([layer], units=7) as inner:
            assert layer("x") == ("x", 7, 2.0, None)
        assert layer("x") == ("x", 5, 2.0, None)
    assert layer("x") == ("x", 1, 1.0, None)
    with framework.arg_scope(inner) as again:
        assert layer("x") == ("x", 7, 2.0, None)
        assert again == framework.current_arg_scope() == inner
    assert framework.current_arg_scope() == {}


def test_what_is_decorated() -> None:
    assert layer.__name__ == "layer"
    assert layer.__doc__ == "A layer."
    assert framework.has_arg_scope(layer)
    assert framework.arg_scoped_arguments(layer) == ("units", "scale", "name")
    assert not framework.has_arg_scope(print)


def test_scopes_that_cannot_be() -> None:
    def plain() -> None:
        """Not decorated."""

    with pytest.raises(ValueError, match=r"plain is not decorated with @add_arg_scope"):
        framework.arg_scope([layer, plain], units=1).__enter__()
    with pytest.raises(TypeError, match="list/tuple or reused scope"):
        framework.arg_scope(layer, units=1).__enter__()
    with pytest.raises(ValueError, match="kwargs must be empty"):
        framework.arg_scope({}, units=1).__enter__()
    with pytest.raises(RuntimeError), framework.arg_scope([layer], units=3):
        raise RuntimeError
    assert layer("x")[1] == 1


def test_a_scope_is_of_its_thread() -> None:
    seen = []
    with framework.arg_scope([layer], units=5):
        thread = threading.Thread(target=lambda: seen.append(layer("x")[1]))
        thread.start()
        thread.join()
    assert seen == [1]


# --------------------------------------------------------------------------------------- variables


def test_variables_are_in_their_collections() -> None:
    a = framework.variable("a", [2])
    b = framework.model_variable("b", [2], trainable=False, collections=["mine"])
    c = framework.local_variable(3.0, name="c")
    d = framework.global_variable(4.0, name="d", use_resource=True)
    framework.add_model_variable(a)
    framework.add_model_variable(a)
    assert names(framework.get_variables()) == ["a", "b", "d"]
    assert framework.get_trainable_variables() == [a]
    assert names(framework.get_model_variables()) == ["b", "a"]
    assert framework.get_local_variables() == [c]
    assert tf.get_collection("mine") == [b]
    assert d.op.type == "VarHandleOp"


def test_arguments_of_variables() -> None:
    with framework.arg_scope([framework.variable, framework.model_variable], device="/gpu:1"):
        assert framework.variable("a", [2]).device == "/device:GPU:1"
        assert framework.model_variable("b", [2], device="/cpu:0").device == "/device:CPU:0"

    def getter(name: str, **kwargs: Any) -> Any:
        return name, kwargs["reuse"], kwargs["collections"]

    with tf.variable_scope("s", reuse=True):
        made = framework.variable("a", custom_getter=getter, collections=["x", "y", "x"])
    assert made == ("a", True, ["x", "y"])


def test_devices_in_turn() -> None:
    chooser = framework.VariableDeviceChooser(2, device_type="GPU", device_index=3)
    devices = [framework.variable(name, [1], device=chooser).device for name in "abc"]
    assert devices == [f"/job:ps/task:{task}/device:GPU:3" for task in (0, 1, 0)]
    assert framework.VariableDeviceChooser(replica=1)(None) == "/replica:1/device:CPU:0"


@pytest.fixture
def model() -> list[Any]:
    made = ["conv1/weights", "conv1/biases", "conv10/weights", "logits/weights", "weights"]
    return [tf.Variable([0.0, 0.0], name=name) for name in made]


def test_variables_are_found(model: list[Any]) -> None:
    assert names(framework.get_variables("conv1/")) == ["conv1/weights", "conv1/biases"]
    assert len(framework.get_variables("conv1")) == 3
    assert names(framework.get_variables_by_suffix("biases")) == ["conv1/biases"]
    assert len(framework.get_variables_by_name("weights")) == 4
    assert names(framework.get_variables_by_name("biases", "conv1")) == ["conv1/biases"]
    with tf.variable_scope("logits") as scope:
        assert names(framework.get_variables(scope)) == ["logits/weights"]
    assert framework.get_unique_variable("conv1/weights") is model[0]
    with pytest.raises(ValueError, match=r"Couldn't find variable conv1/weihgts.*'conv1/weights'"):
        framework.get_unique_variable("conv1/weihgts")
    with pytest.raises(ValueError, match="does not uniquely identify"):
        framework.get_unique_variable("conv1")


def test_variables_to_restore(model: list[Any]) -> None:
    kept = framework.get_variables_to_restore(exclude=["logits", "conv10/"])
    assert names(kept) == ["conv1/weights", "conv1/biases", "weights"]
    assert len(framework.get_variables_to_restore(include=["conv1"], exclude=("conv10",))) == 2
    with pytest.raises(TypeError, match="exclude is provided but is not a list"):
        framework.get_variables_to_restore(exclude="logits")
    found = framework.filter_variables(model, ["weights", "biases"], ["logits", "10"])
    assert names(found) == ["conv1/weights", "conv1/biases", "weights"]
    assert names(framework.filter_variables(model, ["w"], reg_search=False)) == ["weights"]


# ------------------------------------------------------------------------------------- assignments


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    values = {
        "conv1/weights": np.array([1, 2], np.float32),
        "logits/weights": np.array([[3], [4]], np.float32),
        "whole": np.arange(12, dtype=np.float32).reshape(4, 3),
    }
    return save_checkpoint(tmp_path / "model", values)


def after(session: Any, *variables: Any) -> list[Any]:
    return [session.run(variable).tolist() for variable in variables]


def test_from_values(model: list[Any]) -> None:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        framework.assign_from_values_fn({"weights": np.array([[5], [6]]), "conv1/weights": [7, 8]})(
            session
        )
        assert after(session, model[4], model[0]) == [[5, 6], [7, 8]]
    with pytest.raises(ValueError, match=r"Variable weihgts wasn't found.*'weights'"):
        framework.assign_from_values({"weihgts": [1, 2]})
    with pytest.raises(ValueError, match="doesn't uniquely identify"):
        framework.assign_from_values({"conv1": [1, 2]})


def test_from_a_checkpoint(model: list[Any], prefix: str) -> None:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(*framework.assign_from_checkpoint(prefix, [model[0]]))
        session.run(
            *framework.assign_from_checkpoint(prefix, {"conv1/weights": [model[1], model[4]]})
        )
        assert after(session, *model) == [[1, 2], [1, 2], [0, 0], [0, 0], [1, 2]]
    operation, feeds = framework.assign_from_checkpoint(prefix, [])
    assert (operation.type, feeds) == ("NoOp", {})


def test_parts_from_a_checkpoint(prefix: str) -> None:
    parts = [tf.get_variable(f"whole/part_{i}", [2, 3]) for i in range(2)]
    for i, part in enumerate(parts):
        info = tf.Variable.SaveSliceInfo("whole", [4, 3], [2 * i, 0], [2, 3])
        part._set_save_slice_info(info)
    assert framework.get_variable_full_name(parts[1]) == "whole"
    with tf.Session() as session:
        session.run(*framework.assign_from_checkpoint(prefix, parts))
        assert after(session, parts[1]) == [[[6, 7, 8], [9, 10, 11]]]


def test_what_a_checkpoint_lacks(
    model: list[Any], prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match=r"missing variable \[weights\].*'conv1/weights'"):
        framework.assign_from_checkpoint(prefix, [model[4]])
    with pytest.raises(ValueError, match=r"logits/weights lh_shape: \[\(2, 1\)\], rh_shape"):
        framework.assign_from_checkpoint(prefix, [model[3]])
    with caplog.at_level(logging.WARNING, "evergraph"):
        _, feeds = framework.assign_from_checkpoint(prefix, model[:3], ignore_missing_vars=True)
    assert len(feeds) == 1
    assert "[conv1/biases]" in caplog.text


def test_a_function_that_restores(
    model: list[Any], prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        framework.assign_from_checkpoint_fn(prefix, {"conv1/weights": model[2]})(session)
        assert after(session, model[2]) == [[1, 2]]
        restore = framework.assign_from_checkpoint_fn(
            prefix, model, ignore_missing_vars=True, reshape_variables=True
        )
        restore(session)
        assert after(session, *model) == [[1, 2], [0, 0], [1, 2], [3, 4], [0, 0]]
        with caplog.at_level(logging.WARNING, "evergraph"):
            assert framework.assign_from_checkpoint_fn(prefix, model[4:], True) is None
        assert "Variable weights missing in checkpoint" in caplog.text
        with pytest.raises(errors.NotFoundError):
            framework.assign_from_checkpoint_fn(prefix, model)(session)
    with pytest.raises(ValueError, match="var_list cannot be empty"):
        framework.assign_from_checkpoint_fn(prefix, [])


# ------------------------------------------------------------------------------------------ checks


def test_shapes_that_are_known() -> None:
    known = tf.constant([[1.0, 2.0]])
    assert framework.with_shape([1, 2], known) is known
    assert framework.with_same_shape(tf.zeros([1, 2]), known) is known
    assert framework.with_shape([], tf.constant([5.0])).shape.as_list() == []
    with pytest.raises(ValueError, match=r"expected \[2, 1\], got \(1, 2\)"):
        framework.with_shape([2, 1], known)
    with pytest.raises(ValueError, match="Invalid rank 2"):
        framework.with_shape([[1, 2]], known)
    with pytest.raises(ValueError, match="Invalid dtype"):
        framework.with_shape(tf.constant([1.0]), known)


def test_shapes_that_a_run_knows() -> None:
    fed = tf.placeholder(tf.float32)
    checked = framework.with_shape([2], fed)
    same = framework.with_same_shape(fed, tf.constant([1.0, 2.0]))
    assert checked.shape.as_list() == [2]
    with tf.Session() as session:
        assert session.run([checked, same], {fed: [3, 4]})[0].tolist() == [3, 4]
        for tensor in (checked, same):
            with pytest.raises(errors.InvalidArgumentError, match="Wrong shape for"):
                session.run(tensor, {fed: [3, 4, 5]})


def test_small_helpers() -> None:
    fed = tf.placeholder(tf.int32, [], name="n")
    assert framework.is_tensor(fed)
    assert framework.is_tensor(tf.Variable(1))
    assert not framework.is_tensor(np.zeros(1))
    assert framework.assert_scalar_int(fed) is fed
    with pytest.raises(ValueError, match="Expected integer type"):
        framework.assert_scalar_int(tf.constant(1.0))
    assert framework.get_placeholders(tf.get_default_graph()) == [fed]
    total = framework.reduce_sum_n([tf.constant([1.0, 2.0]), tf.constant(3.0)])
    predictions, labels = framework.remove_squeezable_dimensions(tf.zeros([2, 1]), tf.zeros([2]))
    assert (predictions.shape.as_list(), labels.shape.as_list()) == ([2], [2])
    with tf.Session() as session:
        assert session.run(total) == 6
    with tf.name_scope("here"):
        assert framework.get_name_scope() == "here"
    assert framework.assert_or_get_global_step() is None
    step = framework.get_or_create_global_step()
    assert framework.assert_or_get_global_step() is step


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"tf\.contrib\.framework.*'get_variables_by_name'"):
        framework.get_variable_by_name  # noqa: B018


# -------------------------------------------------------------------------------------- deprecation


@framework.deprecated("2018-01-01", "Use g.")
def old() -> int:
    """Old."""
    return 1


@framework.deprecated_args(None, "Leave it out.", "size", ("rate", None))
def sized(x: int, size: int | None = None, rate: Any = None) -> int:
    return x


@framework.deprecated_arg_values(None, "Choose another.", kind="slow")
def chosen(x: int, kind: str = "fast") -> int:
    return x


def test_deprecation_warns_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.WARNING, "evergraph"):
        assert [old(), old(), sized(1, 2), sized(1, rate=None), chosen(1), chosen(1, "slow")] == [
            1
        ] * 6
    said = [record.getMessage() for record in caplog.records]
    assert [text.splitlines()[-1] for text in said] == [
        "Use g.",
        "Leave it out.",
        "Choose another.",
    ]
    assert "old" in said[0]
    assert "after 2018-01-01" in said[0]
    assert "kind=slow" in said[2]
    caplog.clear()
    monkeypatch.setattr(framework.deprecation, "_PRINT_DEPRECATION_WARNINGS", False)
    sized(1, rate=5)
    assert not caplog.records
    with pytest.raises(ValueError, match=r"not present .*\['no'\]"):
        framework.deprecated_args(None, "", "no")(sized)
