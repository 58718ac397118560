"""Signatures: their making, their checking, their methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import evergraph.tf1 as tf
from evergraph.formats.graph_file import read_saved_model

utils = tf.saved_model.signature_def_utils


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def test_predict() -> None:
    x = tf.placeholder(tf.int64, [None, 2], name="x")
    signature = tf.saved_model.predict_signature_def({"x": x}, {"y": x + 1})
    assert signature.method_name == tf.saved_model.signature_constants.PREDICT_METHOD_NAME
    info = signature.inputs["x"]
    assert (info.name, info.dtype) == ("x:0", tf.int64.as_datatype_enum)
    assert [dim.size for dim in info.tensor_shape.dim] == [-1, 2]
    assert tf.saved_model.get_tensor_from_tensor_info(info) is x
    assert utils.is_valid_signature(signature)


def test_variables_and_operations() -> None:
    v = tf.Variable(1.0, name="v")
    assert tf.saved_model.build_tensor_info(v).dtype == 101  # a reference
    op = tf.no_op(name="op")
    signature = utils.op_signature_def(op, "key")
    assert signature.outputs["key"].tensor_shape.unknown_rank
    assert utils.load_op_from_signature_def(signature, "key") is op
    with pytest.raises(tf.errors.NotFoundError, match="'op'"):
        utils.load_op_from_signature_def(signature, "key", import_scope="elsewhere")


def test_sparse_tensors(graph: Any) -> None:
    sparse = tf.SparseTensor([[0, 1]], [2.0], [3, 4])
    info = tf.saved_model.build_tensor_info(sparse)
    assert info.coo_sparse.values_tensor_name == sparse.values.name
    assert [dim.size for dim in info.tensor_shape.dim] == [3, 4]
    again = tf.saved_model.get_tensor_from_tensor_info(info)
    assert (again.indices, again.values) == (sparse.indices, sparse.values)
    assert again.dense_shape is sparse.dense_shape
    with tf.Session() as session:
        value = session.run(again)
        assert isinstance(value, tf.SparseTensorValue)
        assert session.run(again, {again: value})[1].tolist() == [2.0]
        assert again.eval().values.tolist() == [2.0]


def test_sparse_tensors_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="rank"):
        tf.SparseTensor([0], [1.0], [2])
    with pytest.raises(ValueError, match="not compatible"):
        tf.SparseTensor([[0], [1]], [1.0], [2])
    with pytest.raises(TypeError):
        tf.SparseTensor.from_value(3)


def test_a_tensor_info_without_a_name() -> None:
    with pytest.raises(ValueError, match="encoding"):
        tf.saved_model.utils.get_tensor_from_tensor_info(tf.TensorInfo())
    with pytest.raises(KeyError):
        tf.saved_model.utils.get_tensor_from_tensor_info(tf.TensorInfo(name="no:0"))


def test_defaults() -> None:
    x = tf.placeholder(tf.float32, name="x")
    info = {"x": tf.saved_model.build_tensor_info(x)}
    signature = utils.build_signature_def(info, info, "m", {"x": tf.constant(3.0)})
    assert signature.defaults["x"].float_val == [3.0]
    with pytest.raises(ValueError, match=r"'x' has to be a tf\.constant"):
        utils.build_signature_def(info, info, "m", {"x": x})


@pytest.mark.parametrize(
    ("method", "inputs", "outputs", "valid"),
    [
        ("predict", {"a": "float"}, {"b": "int32"}, True),
        ("predict", {}, {"b": "int32"}, False),
        ("predict", {"a": "float"}, {}, False),
        ("regress", {"inputs": "string"}, {"outputs": "float"}, True),
        ("regress", {"inputs": "float"}, {"outputs": "float"}, False),
        ("regress", {"inputs": "string"}, {"other": "float"}, False),
        ("classify", {"inputs": "string"}, {"classes": "string", "scores": "float"}, True),
        ("classify", {"inputs": "string"}, {"scores": "float"}, True),
        ("classify", {"inputs": "string"}, {}, False),
        ("classify", {"inputs": "string"}, {"classes": "float"}, False),
        ("classify", {"inputs": "string"}, {"scores": "float", "more": "float"}, False),
        ("other", {"inputs": "string"}, {"scores": "float"}, False),
    ],
)
def test_validity(method: str, inputs: Any, outputs: Any, valid: bool) -> None:
    def infos(kinds: dict[str, str]) -> dict[str, Any]:
        return {
            name: tf.saved_model.build_tensor_info(tf.placeholder(kind))
            for name, kind in kinds.items()
        }

    signature = utils.build_signature_def(
        infos(inputs), infos(outputs), f"tensorflow/serving/{method}"
    )
    assert utils.is_valid_signature(signature) is valid
    assert not utils.is_valid_signature(None)


@pytest.mark.parametrize("as_text", [False, True])
def test_other_methods(tmp_path: Path, as_text: bool) -> None:
    x = tf.placeholder(tf.string, name="x")
    builder = tf.saved_model.Builder(tmp_path / "export")
    signature = tf.saved_model.predict_signature_def({"inputs": x}, {"scores": x})
    with tf.Session() as session:
        builder.add_meta_graph_and_variables(session, ["serve"], {"s": signature})
    builder.save(as_text)
    updater = utils.MethodNameUpdater(tmp_path / "export")
    updater.replace_method_name("s", "tensorflow/serving/classify", tags="serve")
    for wrong in (("t", "m", None), ("s", "m", ["train"]), ("", "m", None), ("s", "", None)):
        with pytest.raises(ValueError):
            updater.replace_method_name(*wrong)
    (tmp_path / "other").mkdir()
    updater.save(tmp_path / "other")
    (meta,) = read_saved_model(tmp_path / "other").meta_graphs
    assert meta.signature_def["s"].method_name == "tensorflow/serving/classify"
    (meta,) = read_saved_model(tmp_path / "export").meta_graphs
    assert meta.signature_def["s"].method_name == "tensorflow/serving/predict"
    updater.save()
    (meta,) = read_saved_model(tmp_path / "export").meta_graphs
    assert meta.signature_def["s"].method_name == "tensorflow/serving/classify"
