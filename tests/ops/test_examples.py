"""tf.parse_example and what stands behind it, without TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evergraph.tf1 as tf
from evergraph import errors
from evergraph.ops.example_values import Dense, Examples
from tests.ops.table.examples import LONG, NONE, A, B, example


def run(serialized: Any, features: dict[str, Any], parse: Any = tf.parse_example) -> dict[str, Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        result: dict[str, Any] = session.run(parse(tf.constant(serialized, tf.string), features))
        return result


def test_every_kind_of_feature() -> None:
    found = run(
        [A, B, LONG],
        {
            "i": tf.VarLenFeature(tf.int64),
            "a": tf.FixedLenSequenceFeature([], tf.float32, allow_missing=True, default_value=9.0),
            "s": tf.VarLenFeature(tf.string),
            "none": tf.FixedLenFeature([2], tf.float32, [0.5, 1.5]),
        },
    )
    assert found["a"].tolist() == [[1.0, 2.0, 9.0], [3.0, 4.5, 9.0], [1.0, 2.0, 3.0]]
    assert found["none"].tolist() == [[0.5, 1.5]] * 3
    assert isinstance(found["s"], tf.SparseTensorValue)
    assert found["s"].indices.tolist() == [[0, 0], [0, 1], [1, 0]]
    assert found["s"].values.tolist() == [b"x", b"y\0", b"z"]
    assert found["s"].dense_shape.tolist() == [3, 2]
    assert found["i"].values.tolist() == [5, 1, 2]


def test_a_single_example() -> None:
    features = {"a": tf.FixedLenFeature([2], tf.float32), "s": tf.VarLenFeature(tf.string)}
    found = run(A, features, tf.parse_single_example)
    assert found["a"].tolist() == [1.0, 2.0]
    assert found["s"].indices.tolist() == [[0], [1]]
    with pytest.raises(ValueError, match="must be a scalar"):
        run([A], features, tf.parse_single_example)


def test_what_is_missing_is_told() -> None:
    with pytest.raises(errors.InvalidArgumentError, match=r"Feature: b .*The example has a, s\."):
        run([B], {"b": tf.FixedLenFeature([], tf.float32)})
    with pytest.raises(errors.InvalidArgumentError, match="The example is empty"):
        run([b""], {"b": tf.FixedLenFeature([], tf.float32)})
    with pytest.raises(errors.InvalidArgumentError, match="Can't parse serialized Example"):
        run([A, b"junk"], {"a": tf.VarLenFeature(tf.float32)})


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"a": tf.FixedLenFeature(None, tf.float32)},
        {"a": tf.FixedLenFeature([None], tf.float32)},
        {"a": tf.FixedLenFeature([], None)},
        {"a": tf.FixedLenSequenceFeature([], tf.float32)},
        {"a": tf.float32},
    ],
)
def test_features_that_cannot_be(features: Any) -> None:
    with pytest.raises(ValueError):
        run([A], features)


def test_padding_is_bounded() -> None:
    long = example(a=[0.0] * 100_000)
    examples = Examples(np.array([long, *[NONE] * 30_000], object))
    padded = Dense("a", tf.float32, (None,), np.float32(0))
    with pytest.raises(errors.ResourceExhaustedError, match="30001 examples to the 100000 values"):
        examples.dense(padded)


_LISTS = st.one_of(
    st.none(),
    st.lists(st.floats(width=32, allow_nan=False), min_size=1),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    st.lists(st.binary(), min_size=1),
)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), _LISTS), max_size=4), st.booleans())
def test_what_goes_in_comes_out(batch: list[dict[str, Any]], damaged: bool) -> None:
    """All values of all lists, or InvalidArgumentError where the types differ or the bytes are none."""
    texts = [example(**features) for features in batch]
    if damaged and texts:
        texts[0] = texts[0][:-1] or b"\x0a"
    found: dict[str, Any] = {}
    try:
        examples = Examples(np.array([*texts, None], object)[:-1])
        for key, dtype in zip("abc", (tf.float32, tf.int64, tf.string), strict=True):
            found[key] = examples.sparse(key, dtype)
    except errors.InvalidArgumentError:
        kinds = {"a": float, "b": int, "c": bytes}
        assert (damaged and texts) or any(
            values and type(values[0]) is not kinds[key]
            for features in batch
            for key, values in features.items()
        )
        return
    for key, (indices, values, shape) in found.items():
        lists = [features.get(key) or [] for features in batch]
        if not damaged:
            assert values.tolist() == [value for one in lists for value in one]
            assert shape.tolist() == [len(batch), max(map(len, lists), default=0)]
        assert len(indices) == len(values)
        assert (indices < shape).all()
