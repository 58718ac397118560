"""load_model of SavedModels: signatures, tags, versions; and what loading one from a stranger may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.graph_file import read_saved_model
from evergraph.serving.initializing import reads_only_assets


def export(folder: Path, names: tuple[str, ...] = ("serving_default",), **options: Any) -> Path:
    """A SavedModel of y = x w + z, w = 2, z = 1 where it is not given; ``doubled`` is x w."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        z = tf.placeholder_with_default(1.0, [], name="z")
        w = tf.get_variable("w", initializer=2.0, use_resource=True)
        doubled = tf.multiply(x, w, name="doubled")
        y = tf.add(doubled, z, name="y")
        session.run(tf.global_variables_initializer())
        kinds = {
            "serving_default": ({"inputs": x, "z": z}, {"result": y}),
            "double": ({"inputs": x}, {"result": doubled, "same": x}),
            "other": ({"inputs": x}, {"result": x}),
        }
        signatures = {name: tf.saved_model.predict_signature_def(*kinds[name]) for name in names}
        builder = tf.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(session, ["serve"], signatures, **options)
        builder.add_meta_graph(["serve", "gpu"], signatures)
        builder.add_meta_graph(["train"])
        builder.save()
    return folder


X = np.array([[1, 2, 3], [0, 0.5, -1]], np.float32)


@pytest.mark.parametrize("name", ["", "saved_model.pb"])
def test_the_default_signature(tmp_path: Path, name: str) -> None:
    export(tmp_path / "export", ("double", "serving_default"))
    path = tmp_path / "export" / name
    with evergraph.load_model(path, tags=["serve"]) as model:
        assert list(model.inputs) == ["inputs", "z"]
        assert model.inputs["inputs"][1].as_list() == [None, 3]
        assert model.outputs == ["result"]
        np.testing.assert_array_equal(model(inputs=X)["result"], 2 * X + 1)
        np.testing.assert_array_equal(model({"inputs": X, "z": 0})["result"], 2 * X)
        np.testing.assert_array_equal(model(x=X, outputs=["doubled"])["doubled"], 2 * X)
        assert list(model.signatures) == ["double", "serving_default"]
        found = model.signatures["double"](inputs=X)
        np.testing.assert_array_equal(found["result"], 2 * X)
        np.testing.assert_array_equal(found["same"], X)


def test_a_signature_by_name(tmp_path: Path) -> None:
    export(tmp_path / "export", ("double", "other"))
    model = evergraph.load_model(tmp_path / "export", signature="other", tags="serve")
    np.testing.assert_array_equal(model(inputs=X)["result"], X)
    with pytest.raises(errors.InvalidArgumentError, match=r"it has double, other\. Near: double"):
        evergraph.load_model(tmp_path / "export", signature="duoble", tags="serve")


def test_several_signatures_and_no_default(tmp_path: Path) -> None:
    model = evergraph.load_model(export(tmp_path / "export", ("double", "other")), tags="serve")
    with pytest.raises(errors.InvalidArgumentError, match=r"signatures \(double, other\)"):
        model(inputs=X)
    np.testing.assert_array_equal(model(x=X, outputs=["y"])["y"], 2 * X + 1)


def test_outputs_by_name(tmp_path: Path) -> None:
    folder = export(tmp_path / "export", ("double",))
    model = evergraph.load_model(folder, "same, doubled", tags="serve")
    assert model.outputs == ["same", "doubled"]
    np.testing.assert_array_equal(model(inputs=X)["doubled"], 2 * X)


def test_tags(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    with pytest.raises(errors.InvalidArgumentError, match=r"\{'gpu', 'serve'\}.*tags="):
        evergraph.load_model(folder)
    with pytest.raises(errors.InvalidArgumentError, match=r"available tags \{'serve'\}"):
        evergraph.load_model(folder, tags="gpu")
    model = evergraph.load_model(folder, tags=["train"])
    assert model.signatures == {}
    assert model.outputs == ["y"]
    np.testing.assert_array_equal(model(x=X)["y"], 2 * X + 1)


def test_inputs_that_are_missing(tmp_path: Path) -> None:
    model = evergraph.load_model(export(tmp_path / "export"), tags="serve")
    with pytest.raises(errors.InvalidArgumentError, match=r"no value is given for 'inputs'"):
        model(z=1)
    with pytest.raises(errors.InvalidArgumentError, match="near: inputs"):
        model(input=X)


def test_the_newest_version(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in (9, 10, 2):
        export(tmp_path / "export" / str(number))
    (tmp_path / "export" / "11").mkdir()
    with caplog.at_level("INFO"):
        model = evergraph.load_model(tmp_path / "export", tags="serve")
    assert "/10" in caplog.text
    assert model.outputs == ["result"]


def test_defaults_of_inputs(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, k = (tf.placeholder(tf.float32, name=name) for name in "xk")
        infos = {name: tf.saved_model.build_tensor_info(t) for name, t in (("x", x), ("k", k))}
        signature = tf.saved_model.build_signature_def(
            infos,
            {"y": tf.saved_model.build_tensor_info(x * k)},
            "tensorflow/serving/predict",
            {"k": tf.constant(10.0)},
        )
        builder = tf.saved_model.Builder(tmp_path / "export")
        builder.add_meta_graph_and_variables(session, ["serve"], {"s": signature})
        builder.save()
    model = evergraph.load_model(tmp_path / "export")
    assert model(x=2.0)["y"] == 20.0
    assert model(x=2.0, k=3.0)["y"] == 6.0


def test_sparse_inputs_and_outputs(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        parts = tf.placeholder(tf.int64, [None, 2]), tf.placeholder(tf.float32, [None])
        sparse = tf.SparseTensor(*parts, tf.placeholder(tf.int64, [2]))
        doubled = tf.SparseTensor(sparse.indices, sparse.values * 2.0, sparse.dense_shape)
        tf.saved_model.simple_save(session, tmp_path / "export", {"s": sparse}, {"t": doubled})
    model = evergraph.load_model(tmp_path / "export")
    assert model.inputs["s"][0] == tf.float32
    value = model(s=([[0, 1]], [3.0], [2, 2]))["t"]
    assert isinstance(value, tf.SparseTensorValue)
    assert value.values.tolist() == [6.0]


def test_a_signature_that_does_not_fit(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    model = read_saved_model(folder)
    model.meta_graphs[0].signature_def["serving_default"].inputs["inputs"].name = "gone:0"
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(errors.InvalidArgumentError, match=r"'serving_default'.*gone"):
        evergraph.load_model(folder, tags="serve")


def test_collections_that_are_damaged(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    model = read_saved_model(folder)
    model.meta_graphs[0].collection_def["variables"].bytes_list.value[0] = b"\xff"
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(errors.DataLossError, match=r"SavedModel .*/export does not hold together"):
        evergraph.load_model(folder, tags="serve")


def test_what_is_no_saved_model(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    with pytest.raises(errors.NotFoundError, match=r"that of the SavedModel .*/export\."):
        evergraph.load_model(folder / "variables" / "variables")
    evergraph.save_checkpoint(tmp_path / "checkpoint", {"a": X})
    with pytest.raises(errors.InvalidArgumentError, match="no SavedModel"):
        evergraph.load_model(tmp_path / "checkpoint", tags="serve")


# ------------------------------------------------------------------------------------- strangers


def with_init(folder: Path, build: Any) -> Path:
    """A SavedModel of y = w, whose main op is what ``build`` makes of the variable w."""
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(0.0, name="w")
        v = tf.Variable("", name="v")
        op = build(w, v)
        session.run(tf.global_variables_initializer())
        builder = tf.saved_model.Builder(folder)
        signature = tf.saved_model.predict_signature_def({"w": w}, {"w": w, "v": v})
        paths = tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"s": signature}, assets_collection=paths, main_op=op
        )
        builder.save()
    return folder


def test_the_init_op_runs(tmp_path: Path) -> None:
    folder = with_init(tmp_path / "export", lambda w, v: tf.assign(w, 3.0).op)
    assert evergraph.load_model(folder)()["w"] == 3.0


def test_the_init_op_reads_no_other_files(tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "secret", {"key": np.float32(42)})

    def build(w: Any, v: Any) -> Any:
        from evergraph.ops.checkpoint_io import RestoreV2

        (value,) = RestoreV2(str(tmp_path / "secret"), ["key"], [""], dtypes=[tf.float32])
        return tf.assign(w, value, validate_shape=False).op

    folder = with_init(tmp_path / "export", build)
    with pytest.raises(errors.PermissionDeniedError, match="'files'"):
        evergraph.load_model(folder)
    assert evergraph.load_model(folder, allow={"files"})()["w"] == 42.0


def test_restoring_does_nothing_else(tmp_path: Path) -> None:
    folder = with_init(tmp_path / "export", lambda w, v: None)
    model = read_saved_model(folder)
    meta = model.meta_graphs[0]
    restore = next(n for n in meta.graph_def.node if n.name == meta.saver_def.restore_op_name)
    restore.input.append("^save/control_dependency")
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(errors.PermissionDeniedError, match="also runs 'save/"):
        evergraph.load_model(folder)


@pytest.mark.parametrize("nested", [False, True])
def test_restoring_by_a_function_does_nothing_else(tmp_path: Path, nested: bool) -> None:
    """TensorFlow 2 restores by calling a function, which is looked into."""
    folder = with_init(tmp_path / "export", lambda w, v: None)
    model = read_saved_model(folder)
    meta = model.meta_graphs[0]
    meta.saver_def.restore_op_name = "restore"
    body = [("write", "WriteFile", None)]
    functions = {"inner": body, "outer": [("call", "StatefulPartitionedCall", "inner")]}
    for name, nodes in functions.items():
        function = meta.graph_def.library.function.add()
        function.signature.name = name
        for node_name, op, called in nodes:
            node = function.node_def.add(name=node_name, op=op)
            if called:
                node.attr["f"].func.name = called
    node = meta.graph_def.node.add(name="restore", op="StatefulPartitionedCall")
    node.attr["f"].func.name = "outer" if nested else "inner"
    for key in ("Tin", "Tout"):
        node.attr[key].list.SetInParent()
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(
        errors.PermissionDeniedError, match=r"also runs 'inner/write' \(WriteFile\)"
    ):
        evergraph.load_model(folder)


def test_assets_that_are_links_out(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("a\n")

    def build(w: Any, v: Any) -> Any:
        path = tf.constant(str(words))
        tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, path)
        return tf.assign(v, path).op

    folder = with_init(tmp_path / "export", build)
    asset = folder / "assets" / "words.txt"
    assert evergraph.load_model(folder)()["v"] == str(asset).encode()
    asset.unlink()
    asset.symlink_to(words)
    with pytest.raises(errors.PermissionDeniedError, match=r"words\.txt"):
        evergraph.load_model(folder)
    assert evergraph.load_model(folder, allow={"files"})()["v"] == str(asset).encode()


_TABLES = """
node {{ name: "asset" op: "Const" attr {{ key: "dtype" value {{ type: DT_STRING }} }}
  attr {{ key: "value" value {{ tensor {{ dtype: DT_STRING tensor_shape {{ }} string_val: "x" }} }} }} }}
node {{ name: "other" op: "Const" attr {{ key: "dtype" value {{ type: DT_STRING }} }}
  attr {{ key: "value" value {{ tensor {{ dtype: DT_STRING tensor_shape {{ }} string_val: "y" }} }} }} }}
node {{ name: "same" op: "Identity" input: "asset" attr {{ key: "T" value {{ type: DT_STRING }} }} }}
node {{ name: "table" op: "HashTableV2"
  attr {{ key: "key_dtype" value {{ type: DT_STRING }} }} attr {{ key: "value_dtype" value {{ type: DT_INT64 }} }} }}
node {{ name: "fill" op: "InitializeTableFromTextFileV2" input: "table" input: "{file}"
  attr {{ key: "key_index" value {{ i: -2 }} }} attr {{ key: "value_index" value {{ i: -1 }} }} }}
node {{ name: "call" op: "StatefulPartitionedCall" input: "{file}" input: "table"
  attr {{ key: "Tin" value {{ list {{ type: [DT_STRING, DT_RESOURCE] }} }} }}
  attr {{ key: "Tout" value {{ list {{ }} }} }} attr {{ key: "f" value {{ func {{ name: "init" }} }} }} }}
node {{ name: "unknown" op: "NobodyKnows" }}
node {{ name: "v" op: "VarHandleOp" attr {{ key: "dtype" value {{ type: DT_STRING }} }}
  attr {{ key: "shape" value {{ shape {{ }} }} }} attr {{ key: "shared_name" value {{ s: "v" }} }} }}
node {{ name: "also_v" op: "VarHandleOp" attr {{ key: "dtype" value {{ type: DT_STRING }} }}
  attr {{ key: "shape" value {{ shape {{ }} }} }} attr {{ key: "shared_name" value {{ s: "v" }} }} }}
node {{ name: "set" op: "AssignVariableOp" input: "v" input: "{file}"
  attr {{ key: "dtype" value {{ type: DT_STRING }} }} }}
node {{ name: "reset" op: "AssignVariableOp" input: "also_v" input: "other" input: "^set"
  attr {{ key: "dtype" value {{ type: DT_STRING }} }} }}
node {{ name: "read" op: "ReadVariableOp" input: "v" input: "^set"
  attr {{ key: "dtype" value {{ type: DT_STRING }} }} }}
node {{ name: "read_early" op: "ReadVariableOp" input: "v" attr {{ key: "dtype" value {{ type: DT_STRING }} }} }}
node {{ name: "fill_read" op: "InitializeTableFromTextFileV2" input: "table" input: "read"
  attr {{ key: "key_index" value {{ i: -2 }} }} attr {{ key: "value_index" value {{ i: -1 }} }} }}
node {{ name: "fill_early" op: "InitializeTableFromTextFileV2" input: "table" input: "read_early" input: "^set"
  attr {{ key: "key_index" value {{ i: -2 }} }} attr {{ key: "value_index" value {{ i: -1 }} }} }}
node {{ name: "fill_reset" op: "InitializeTableFromTextFileV2" input: "table" input: "read" input: "^reset"
  attr {{ key: "key_index" value {{ i: -2 }} }} attr {{ key: "value_index" value {{ i: -1 }} }} }}
library {{ function {{
  signature {{ name: "init" input_arg {{ name: "path" type: DT_STRING }} input_arg {{ name: "t" type: DT_RESOURCE }} }}
  node_def {{ name: "fill" op: "InitializeTableFromTextFileV2" input: "t" input: "{inner}"
    attr {{ key: "key_index" value {{ i: -2 }} }} attr {{ key: "value_index" value {{ i: -1 }} }} }}
}} }}
"""


@pytest.mark.parametrize(
    ("name", "file", "inner", "allowed"),
    [
        ("fill", "asset", "path", True),
        ("fill", "same", "path", True),
        ("fill", "other", "path", False),
        ("call", "asset", "path", True),
        ("call", "other", "path", False),
        ("call", "asset", "t", False),
        ("unknown", "asset", "path", False),
        ("fill_read", "asset", "path", True),
        ("fill_read", "other", "path", False),
        ("fill_early", "asset", "path", False),
        ("fill_reset", "asset", "path", False),
    ],
)
def test_which_init_ops_may_read(name: str, file: str, inner: str, allowed: bool) -> None:
    from evergraph.formats.graph_file import parse_text

    with tf.Graph().as_default() as graph:
        graph_def = parse_text(_TABLES.format(file=file, inner=inner), tf.GraphDef())
        tf.import_graph_def(graph_def, name="")
        assets = {graph.get_tensor_by_name("asset:0")}
        assert reads_only_assets(graph.get_operation_by_name(name), assets) is allowed
