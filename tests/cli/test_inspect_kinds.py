"""``evergraph inspect`` on partitions, shards, object-based checkpoints, SavedModels, events and records."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph.cli.facts import facts_of
from evergraph.formats.bundle_entry import BundleEntry
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.protos import SavedModel
from evergraph.formats.record import TFRecordWriter
from evergraph.formats.tensor_slice import TensorSlice


def inspected(cli: Any, path: Path) -> tuple[dict[str, Any], str]:
    """The facts as JSON, and the text."""
    found = [cli("inspect", path, *option) for option in (["--json"], [])]
    assert [(result.code, result.err) for result in found] == [(0, "")] * 2
    return json.loads(found[0].out), found[1].out


# ------------------------------------------------------------------------------------ checkpoints


def test_what_the_bytes_are_for(cli, model: Path, tmp_path: Path) -> None:
    facts, text = inspected(cli, model / "model.ckpt-30")
    assert facts["uses"] == [
        {"use": "optimizer slots", "tensors": 4, "bytes": 120},
        {"use": "variables", "tensors": 2, "bytes": 60},
        {"use": "counters", "tensors": 2, "bytes": 8},
    ]
    assert "optimizer slots  4 tensors  120 bytes" in text
    one, two = np.zeros(3, np.float32), np.zeros(2, np.float32)
    names = {"a": one, "a/Momentum": one, "a/ExponentialMovingAverage": one, "a/bias": two}
    evergraph.save_checkpoint(
        tmp_path / "m", {**names, "b/Adam": one, "x/global_step": np.int64(1)}
    )
    facts, _ = inspected(cli, tmp_path / "m")
    assert {each["use"]: each["tensors"] for each in facts["uses"]} == {
        "variables": 3,  # `b/Adam` belongs to nothing that is there
        "optimizer slots": 1,
        "moving averages": 1,
        "counters": 1,
    }


@pytest.mark.shared
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_partitions(cli, shared: Path, version: str) -> None:
    facts, text = inspected(cli, shared / f"data/edge/part_{version}/model.ckpt-5")
    tensors = {tensor["name"]: tensor for tensor in facts["tensors"]}
    assert tensors["fixed1"]["slices"] == [
        {"slice": spec, "shard": 0, "bytes": size}
        for spec, size in (("-:0,3", 48), ("-:3,3", 48), ("-:6,2", 32), ("-:8,2", 32))
    ]
    assert "slices" not in tensors["whole"]
    assert "fixed1: -:0,3  -:3,3  -:6,2  -:8,2" in text
    assert "vas0              float32  [100, 3]  1,200  5 slices" in text
    assert len(facts["shards"]) == 1


@pytest.mark.shared
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_shards(cli, shared: Path, version: str) -> None:
    facts, text = inspected(cli, shared / f"data/edge/sharded_{version}")
    latest = facts["latest"]
    assert [each["bytes"] for each in latest["shards"]] == [60, 140, 108]
    assert sum(each["pieces"] for each in latest["shards"]) == 8
    tensors = {tensor["name"]: tensor for tensor in latest["tensors"]}
    assert [tensors[f"v{i}"]["shard"] for i in range(6)] == [0, 1, 2] * 2
    assert "shard 1  4 pieces  140 bytes" in text
    assert "(shard 1)" in text
    assert latest["step"] is None
    (meta,) = (file for file in latest["files"] if file["holds"] == "the graph")
    assert meta["name"] == "model.ckpt.meta"
    assert facts["checkpoints"][0]["graph"]


def test_many_slices_are_cut_short(cli, tmp_path: Path) -> None:
    with BundleWriter(str(tmp_path / "m"), "none", 0) as writer:
        for i in range(20):
            writer.add_slice("p", (20,), TensorSlice.parse(f"{i},1"), np.float32([i]))
    facts, text = inspected(cli, tmp_path / "m")
    assert len(facts["tensors"][0]["slices"]) == 20
    assert text.rstrip().endswith("7,1  and 12 more")


@pytest.mark.shared
def test_object_based(cli, shared: Path) -> None:
    facts, text = inspected(cli, shared / "data/edge/keras_object/ckpt-1")
    assert facts["object_based"]
    assert "of TensorFlow 2 objects" in text
    uses = {each["use"] for each in facts["uses"]}
    assert {"the object graph", "variables"} <= uses
    assert not any(tensor["path"].endswith("VARIABLE_VALUE") for tensor in facts["tensors"])


def test_each_entry_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What 100,000 tensors cost is their entries."""
    evergraph.save_checkpoint(tmp_path / "m", {f"t{i:04}": np.float32(i) for i in range(2000)})
    calls = []
    decode = BundleEntry.decode
    monkeypatch.setattr(BundleEntry, "decode", lambda data: calls.append(1) or decode(data))
    facts = facts_of(str(tmp_path / "m"))
    assert facts["totals"] == {"tensors": 2000, "elements": 2000, "bytes": 8000}
    assert len(calls) == 2000


# ----------------------------------------------------------------------------------------- graphs


def test_a_saved_model(cli, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.placeholder(tf.float32, [None, 4], name="x")
        tf.add_to_collection("numbers", 3)
        meta = tf.train.export_meta_graph()
    meta.meta_info_def.tags.append("serve")
    meta.asset_file_def.add(filename="words.txt").tensor_info.name = "asset:0"
    signature = meta.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    x = signature.inputs["features"]
    x.name, x.dtype = "x:0", tf.float32.as_datatype_enum
    x.tensor_shape.dim.add(size=-1)
    x.tensor_shape.dim.add(size=4)
    sparse = signature.inputs["sparse"].coo_sparse
    sparse.values_tensor_name = "v:0"
    message = SavedModel(saved_model_schema_version=1, meta_graphs=[meta, meta])
    (tmp_path / "saved_model.pb").write_bytes(message.SerializeToString())
    facts, text = inspected(cli, tmp_path)
    first = facts["meta_graphs"][0]
    assert first["signatures"]["serving_default"]["inputs"] == {
        "features": {"tensor": "x:0", "dtype": "float32", "shape": [None, 4]},
        "sparse": {"tensor": "(coo_sparse)", "dtype": "", "shape": None},
    }
    assert first["assets"] == [{"file": "words.txt", "tensor": "asset:0"}]
    assert first["collections"] == {"numbers": {"items": "integers", "count": 1}}
    assert "a SavedModel, 2 MetaGraphs" in text
    assert "signature serving_default, method tensorflow/serving/predict:" in text
    assert "in  features  float32  [?, 4]     x:0" in text
    assert "words.txt  asset:0" in text
    assert "written by TensorFlow 2.15.1" in text


@pytest.mark.shared
def test_a_saved_model_of_tensorflow_2(cli, shared: Path) -> None:
    facts, text = inspected(cli, shared / "data/edge/keras_saved_model")
    (meta,) = facts["meta_graphs"]
    assert meta["functions"] > 0
    assert meta["object_nodes"] > 10
    assert f"{meta['object_nodes']} objects of TensorFlow 2" in text
    assert facts["variables"]["object_based"]


# ---------------------------------------------------------------------------------------- records


def write_examples(path: Path, compression: str = "") -> None:
    with TFRecordWriter(path, compression) as writer:
        for i in range(3):
            example = tf.train.Example()
            example.features.feature["label"].int64_list.value.append(i)
            example.features.feature["image"].bytes_list.value.append(b"png")
            example.features.feature["box"].float_list.value.extend([0.0] * 4)
            writer.write(example.SerializeToString())


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_records(cli, tmp_path: Path, compression: str) -> None:
    write_examples(tmp_path / "train.tfrecord", compression)
    facts, text = inspected(cli, tmp_path / "train.tfrecord")
    assert (facts["kind"], facts["records"]) == ("records", 3)
    assert facts["compression"] == compression
    assert facts["features"]["box"] == {"kind": "float", "values": 4}
    assert "3 records of" in text
    assert "label  int64  1 value" in text


def test_events(cli, tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.host"
    with TFRecordWriter(path) as writer:
        writer.write(tf.Event(wall_time=10.0, file_version="brain.Event:2").SerializeToString())
        for step in (3, 1, 2):
            event = tf.Event(wall_time=10.0 + step, step=step)
            event.summary.value.add(tag="loss", simple_value=1.0)
            writer.write(event.SerializeToString())
    facts, text = inspected(cli, path)
    assert (facts["kind"], facts["records"]) == ("events", 4)
    assert facts["kinds"] == {"summary": 3, "file_version": 1}
    assert facts["tags"] == {"loss": 3}
    assert (facts["steps"], facts["seconds"]) == ([0, 3], 3.0)
    assert "steps 0 to 3, over 3.0 seconds" in text
    path.write_bytes(path.read_bytes()[:-1])
    facts, text = inspected(cli, path)
    assert facts["records"] == 3
    assert "truncated record at" in facts["notice"]
    assert "truncated record at" in text


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_compressed_files_that_hold_no_records(cli, tmp_path: Path, pack: Any) -> None:
    (tmp_path / "model.gz").write_bytes(pack(b"something else entirely"))
    result = cli("inspect", tmp_path / "model.gz")
    assert (result.code, result.out) == (1, "")
