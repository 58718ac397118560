"""Whether checkpoints are there, since when, and how they are removed: one folder each for TensorFlow and evergraph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

FILES = """
v2.index v2.data-00000-of-00001 v2.meta v2.txt
shards.index shards.data-00000-of-00002 shards.data-00001-of-00002 shards.meta shards-1.index
v1 v1.meta v1.other
old-00000-of-00002 old-00001-of-00002 old.meta
data_only.data-00000-of-00001 meta_only.meta other.graph other.index
""".split()

PROGRAMS = {
    "exists": """
        return [tf.train.checkpoint_exists(folder + "/" + name) for name in (
            "v2", "v2.index", "v2.meta", "shards", "v1", "old", "old-?????-of-00002", "old-00000-of-00002",
            "data_only", "meta_only", "none", "",
        )]
    """,
    "times": """
        names = ["v2", "none", "v1", "old-?????-of-00002", "meta_only", "shards"]
        return tf.train.get_checkpoint_mtimes([folder + "/" + name for name in names])
    """,
    "V2 removed": "tf.train.remove_checkpoint(folder + '/v2')",
    "shards removed": "tf.train.remove_checkpoint(folder + '/shards')",
    "V1 removed": "tf.train.remove_checkpoint(folder + '/v1', tf.train.SaverDef.V1)",
    "V1 shards removed": (
        "tf.train.remove_checkpoint(folder + '/old-?????-of-00002', tf.train.SaverDef.V1)"
    ),
    "another suffix": "tf.train.remove_checkpoint(folder + '/other', meta_graph_suffix='graph')",
    "what is not there": "tf.train.remove_checkpoint(folder + '/none')",
    "data without an index": "tf.train.remove_checkpoint(folder + '/data_only')",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_files(name: str, tf215: Oracle, tmp_path: Path) -> None:
    for side in ("ours", "theirs"):
        (tmp_path / side).mkdir()
        for number, file in enumerate(FILES):
            path = tmp_path / side / file
            path.write_text(file)
            # Whole seconds: TensorFlow drops the rest.
            os.utime(path, (1_500_000_000 + number, 1_500_000_000 + number))
    source = f"def main(tf, np, folder):\n        {PROGRAMS[name].strip()}"
    theirs = tf215.execute(source, folder=str(tmp_path / "theirs"))
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    assert namespace["main"](tf1, np, str(tmp_path / "ours")) == theirs
    left = [
        sorted(path.name for path in (tmp_path / side).iterdir()) for side in ("ours", "theirs")
    ]
    assert left[0] == left[1]
