"""``tf.contrib.slim``: a model that goes on from a checkpoint, and what is not there yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph.tf1 as tf
from evergraph.contrib import framework, slim
from evergraph.formats.checkpoint_saving import save_checkpoint


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def test_fine_tuning(tmp_path: Path) -> None:
    """The usual lines: everything but the last layer from a checkpoint, then an init function for the rest."""

    @slim.add_arg_scope
    def fully_connected(x: Any, units: int, scope: str, use_bias: bool = False) -> Any:
        with tf.variable_scope(scope):
            weights = slim.model_variable(
                "weights", [x.shape[1].value, units], initializer=tf.zeros_initializer()
            )
            return tf.matmul(x, weights) + (1.0 if use_bias else 0.0)

    stored = {
        "fc1/weights": np.eye(3, dtype=np.float32),
        "fc2/weights": np.ones((3, 7), np.float32),
    }
    prefix = save_checkpoint(tmp_path / "vgg", stored)
    with slim.arg_scope([fully_connected], use_bias=True):
        hidden = fully_connected(tf.ones([1, 3]), 3, scope="fc1")
    fully_connected(hidden, 5, scope="fc2")
    slim.get_or_create_global_step()
    init = slim.assign_from_checkpoint_fn(
        prefix, slim.get_variables_to_restore(exclude=["fc2"]), ignore_missing_vars=True
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        init(session)
        assert session.run(hidden).tolist() == [[2, 2, 2]]


def test_the_names_are_those_of_framework() -> None:
    assert slim.arg_scope is framework.arg_scope
    assert slim.get_variables_to_restore is framework.get_variables_to_restore
    assert tf.contrib.slim is slim
    assert slim.evaluation.checkpoints_iterator is tf.train.checkpoints_iterator


def test_layers_are_said_to_be_missing() -> None:
    with pytest.raises(
        AttributeError, match=r"slim's layers are not there yet.*tf\.layers\.conv2d"
    ):
        slim.conv2d  # noqa: B018
    with pytest.raises(AttributeError, match="'arg_scope'"):
        slim.arg_scop  # noqa: B018
    assert not hasattr(slim, "__path_of_nothing__")


def test_sizes_of_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    tf.Variable(tf.zeros([2, 3]), name="w")
    assert slim.model_analyzer.analyze_vars(tf.global_variables(), print_info=True) == (6, 24)
    assert "w:0 (float32_ref 2x3) [6, bytes: 24]" in capsys.readouterr().out
    assert slim.model_analyzer.analyze_ops(tf.get_default_graph(), print_info=True) == 24
    assert "w/read \t-> (float32 2x3) [6]" in capsys.readouterr().out


def test_evaluation_is_a_loop() -> None:
    with pytest.raises(AttributeError, match=r"for path in tf\.train\.checkpoints_iterator"):
        tf.contrib.training.evaluate_once  # noqa: B018
    assert tf.contrib.training.checkpoints_iterator is tf.train.checkpoints_iterator
