"""What is fed is what the ops get."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import tf1 as tf


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"ab\0\0", b"ab\0\0"),
        ("h\u00e9", "h\u00e9".encode()),
        ([b"a\0", "b"], [b"a\0", b"b"]),
        ([[b"\0"], [b"\0\0"]], [[b"\0"], [b"\0\0"]]),
        (np.array([b"a", b"bc"]), [b"a", b"bc"]),
        (np.array(["a\0b"], object), [b"a\0b"]),
    ],
)
def test_strings_keep_their_zero_bytes(value: Any, expected: Any) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        text = tf.placeholder(tf.string)
        got = sess.run(tf.identity(text), {text: value})
        assert (got.tolist() if isinstance(got, np.ndarray) else got) == expected
        lengths = sess.run(tf.strings.length(text), {text: value})
        assert np.array_equal(lengths, np.vectorize(len)(np.array(expected, object)))
