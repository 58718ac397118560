"""The large files of ``tests/formats/test_scale.py`` in TensorFlow's hands: what counts there is what files may be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.formats.test_scale import MANY, holes, write_many_v1, write_many_v2
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

_LOOK = """
def main(tf, np, path, name):
    reader = tf.train.NewCheckpointReader(path)
    shapes = reader.get_variable_to_shape_map()
    values = reader.get_tensor(name) if name else None
    return len(shapes), list(shapes[min(shapes)]), values
"""


@pytest.mark.parametrize("write", [write_many_v1, write_many_v2])
def test_many_tensors(tf215: Oracle, tmp_path: Path, write: Callable[[str], None]) -> None:
    path = str(tmp_path / "model")
    write(path)
    count, shape, value = tf215.execute(_LOOK, path=path, name="layer_0999/unit_99/w")
    assert (count, list(shape)) == (MANY, [2, 3])
    np.testing.assert_array_equal(value, np.full((2, 3), MANY - 1, np.float32))


def test_a_file_of_holes(tf215: Oracle, tmp_path: Path) -> None:
    """The checksum over the holes is right."""
    holes(str(tmp_path / "m"), (6, 1_000_000), {7: 1.0, 5_999_999: 2.0})
    _, shape, value = tf215.execute(_LOOK, path=str(tmp_path / "m"), name="embedding")
    assert list(shape) == list(value.shape) == [6, 1_000_000]
    assert (value[0, 7], value[5, 999_999], np.count_nonzero(value)) == (1.0, 2.0, 2)


def test_more_than_4_gib(tf215: Oracle, tmp_path: Path) -> None:
    """Only listed: TensorFlow would read all of it for a part."""
    holes(str(tmp_path / "m"), (1_100_000, 1000), {0: 1.0})
    count, shape, _ = tf215.execute(_LOOK, path=str(tmp_path / "m"), name="")
    assert (count, list(shape)) == (1, [1_100_000, 1000])
