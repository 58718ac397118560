"""Files of records and events, byte for byte and in both directions."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from evergraph import tf1
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

_OPTIONS: list[dict[str, Any]] = [
    {},
    {"compression_type": "ZLIB"},
    {"compression_type": "GZIP"},
    {"compression_type": "GZIP", "compression_level": 9, "mem_level": 3, "flush_mode": 2},
    {"compression_type": "ZLIB", "compression_strategy": 2, "output_buffer_size": 7, "window_bits": 10},
]  # fmt: skip
_WRITE = """
def main(tf, np, path, options, records):
    writer = tf.python_io.TFRecordWriter(path, tf.python_io.TFRecordOptions(**options))
    for i, record in enumerate(records):
        writer.write(record)
        if i == 30:
            writer.flush()
    writer.close()
"""
_READ = """
def main(tf, np, path, options):
    return list(tf.python_io.tf_record_iterator(path, tf.python_io.TFRecordOptions(**options)))
"""
_SUMMARIES = """
def main(tf, np, folder):
    import glob
    with tf.Graph().as_default():
        writer = tf.summary.FileWriter(folder)
        for step in range(5):
            value = tf.Summary.Value(tag="loss", simple_value=0.5 * step)
            writer.add_summary(tf.Summary(value=[value]), step)
        writer.close()
    return glob.glob(folder + "/*")[0]
"""
_EVENTS = """
def main(tf, np, path):
    return [event.SerializeToString(deterministic=True) for event in tf.train.summary_iterator(path)]
"""


def here(source: str, **arguments: Any) -> Any:
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["main"](tf1, None, **arguments)


@pytest.mark.parametrize("options", _OPTIONS, ids=str)
def test_same_bytes(oracle: Oracle, tmp_path: Path, options: dict[str, Any]) -> None:
    generator = random.Random(7)
    records = [bytes(generator.choices(b"abcdefgh", k=13 * i * i)) for i in range(60)]
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    here(_WRITE, path=ours, options=options, records=records)
    oracle.execute(_WRITE, path=theirs, options=options, records=records)
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    assert here(_READ, path=theirs, options=options) == records
    assert oracle.execute(_READ, path=ours, options=options) == records


def test_event_files(oracle: Oracle, tmp_path: Path) -> None:
    path = oracle.execute(_SUMMARIES, folder=str(tmp_path))
    events = here(_EVENTS, path=path)
    assert events == oracle.execute(_EVENTS, path=path)
    again = str(tmp_path / "again")
    with tf1.python_io.TFRecordWriter(again) as writer:
        for event in tf1.train.summary_iterator(path):
            writer.write(event.SerializeToString())
    assert oracle.execute(_EVENTS, path=again) == events
