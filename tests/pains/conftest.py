"""What users of TensorFlow 1 had when it hurt: a trained model in a folder, and a log to look into."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evergraph import tf1 as tf


@dataclass
class Trained:
    """A session with a small trained model, its Saver, and the prefix of its last checkpoint."""

    session: Any
    saver: Any
    prefix: str

    @property
    def folder(self) -> Path:
        return Path(self.prefix).parent

    def value(self, name: str) -> Any:
        return self.session.run(name).tolist()


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "evergraph")
    return caplog


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    """Steps 300, 400 and 500 of ``runs/model``, with all files."""
    x = tf.placeholder(tf.float32, [None, 2], name="input")
    kernel = tf.get_variable("dense/kernel", initializer=[[1.0, 2.0], [3.0, 4.0]])
    bias = tf.get_variable("dense/bias", initializer=[0.5, 0.25])
    tf.nn.softmax(tf.matmul(x, kernel) + bias, name="probabilities")
    saver = tf.train.Saver()
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    prefix = ""
    for step in (300, 400, 500):
        prefix = saver.save(session, str(tmp_path / "runs" / "model"), global_step=step)
    return Trained(session, saver, prefix)
