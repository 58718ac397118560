"""The nodes that parsing tf.Examples makes, and what they give, against TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle
from tests.oracle.nodes import built, differences

pytestmark = pytest.mark.oracle

_BATCH = 'x = tf.placeholder(tf.string, [None], name="x"); '
_ONE = 'x = tf.placeholder(tf.string, [], name="x"); '
PROGRAMS = {
    "fixed": _BATCH + "tf.parse_example(x, {'a': tf.FixedLenFeature([2], tf.float32)})",
    "fixed, defaults": _BATCH
    + "tf.parse_example(x, {'b c:': tf.FixedLenFeature([2], tf.float32, [1.0, 2.0]), "
    "'a': tf.FixedLenFeature([], tf.string, 'none')}, name='mine')",
    "default tensor": _BATCH
    + "tf.parse_example(x, {'a': tf.FixedLenFeature([], tf.int64, tf.constant(1, tf.int64))})",
    "sequence": _BATCH
    + "tf.parse_example(x, {'a': tf.FixedLenSequenceFeature([3], tf.float32, allow_missing=True), "
    "'b': tf.FixedLenSequenceFeature([], tf.string, True, 'pad')}, example_names=['n'])",
    "variable length": _BATCH
    + "y = tf.parse_example(x, {'z': tf.VarLenFeature(tf.int64), 'y': tf.VarLenFeature(tf.string)}); "
    "tf.identity(y['z'].values)",
    "all": _BATCH
    + "tf.io.parse_example(x, {'z': tf.VarLenFeature(tf.int64), 'a': tf.FixedLenFeature([], tf.float32)})",
    "text": "tf.parse_example(['', ''], {'a': tf.FixedLenFeature([], tf.float32, 0.0)})",
    "one": _ONE
    + "tf.parse_single_example(x, {'a': tf.FixedLenFeature([2], tf.float32), 's': tf.VarLenFeature(tf.string)})",
    "one of unknown rank": "x = tf.placeholder(tf.string); "
    "tf.parse_single_example(x, {'a': tf.FixedLenFeature([], tf.int64)}, name='mine')",
    "sparse tensor": "tf.SparseTensor([[0, 1]], [1.0], [2, 3]); tf.SparseTensor([[0]], ['a'], [2])",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_nodes(tf215: Oracle, name: str) -> None:
    assert differences(*built(PROGRAMS[name], tf215)) == []


_RUN = """
def main(tf, np):
    def feature(*values):
        message = tf.train.Feature()
        kind = {bytes: "bytes_list", float: "float_list", int: "int64_list"}[type(values[0])]
        getattr(message, kind).value.extend(values)
        return message
    def example(**features):
        message = tf.train.Example()
        for name, each in features.items():
            message.features.feature[name].CopyFrom(each)
        return message.SerializeToString()
    batch = [
        example(a=feature(1.0, 2.0), n=feature(3), s=feature(b"x", b"y")),
        example(a=feature(0.5, 4.0), s=feature(b"z")),
    ]
    features = {
        "a": tf.FixedLenFeature([2], tf.float32),
        "n": tf.FixedLenFeature([], tf.int64, -1),
        "s": tf.VarLenFeature(tf.string),
        "more": tf.FixedLenSequenceFeature([], tf.string, True, "pad"),
    }
    with tf.Session() as sess:
        found = sess.run(tf.parse_example(batch, features))
        one = sess.run(tf.parse_single_example(batch[0], features))
    result = {}
    for name, values in (("batch", found), ("one", one)):
        for key, value in values.items():
            parts = value if key == "s" else [value]
            for i, part in enumerate(parts):
                result[name + key + str(i)] = np.asarray(part)
    return result
"""


def test_values(oracle: Oracle) -> None:
    namespace: dict[str, Any] = {}
    exec(_RUN, namespace)
    with Graph().as_default():
        ours = namespace["main"](tf1, np)
    theirs = oracle.execute(_RUN)
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)
        assert ours[name].shape == value.shape
