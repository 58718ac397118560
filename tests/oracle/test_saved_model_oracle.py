"""SavedModels against TensorFlow's: what is written, field for field and byte for byte, and what either makes of the
other's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import tf1
from evergraph.formats.graph_file import read_saved_model
from evergraph.graph.graph import Graph
from evergraph.saved_model.object_graph import SavedObjects
from tests.oracle.client import Oracle
from tests.oracle.nodes import differences

pytestmark = pytest.mark.oracle

_MODEL = """
def model(tf, np, resource):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.variable_scope("layer", use_resource=resource):
        w = tf.get_variable("w", initializer=tf.constant([[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]]))
        b = tf.get_variable("b", [2], initializer=tf.constant_initializer(0.25))
    return x, tf.nn.softmax(tf.matmul(x, w) + b, name="y")
"""

#: Programs with ``folder`` (to export to) and ``work`` (with files in it); each writes one SavedModel.
PROGRAMS = {
    "simple_save": """
        x, y = model(tf, np, False)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            tf.saved_model.simple_save(sess, folder, {"x": x}, {"y": y})
    """,
    "simple_save, resources": """
        x, y = model(tf, np, True)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            tf.saved_model.simple_save(sess, folder, inputs={"in": x}, outputs={"out": y, "again": x})
    """,
    "trained": """
        x, y = model(tf, np, True)
        loss = tf.reduce_mean(tf.square(y - [1.0, 0.0]))
        train = tf.train.GradientDescentOptimizer(0.25).minimize(loss, tf.train.get_or_create_global_step())
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            tf.saved_model.simple_save(sess, folder, {"x": x}, {"y": y, "loss": loss})
    """,
    "two MetaGraphs": """
        utils = tf.saved_model.signature_def_utils
        builder = tf.saved_model.builder.SavedModelBuilder(folder)
        with tf.Graph().as_default(), tf.Session() as sess:
            x, y = model(tf, np, False)
            with tf.device("/cpu:0"):
                z = tf.identity(y, name="z")
            sess.run(tf.global_variables_initializer())
            signature = utils.build_signature_def(
                {"x": tf.saved_model.utils.build_tensor_info(x)},
                {"y": tf.saved_model.utils.build_tensor_info(z)},
                tf.saved_model.signature_constants.PREDICT_METHOD_NAME,
            )
            builder.add_meta_graph_and_variables(sess, ["serve", "cpu"], {"a": signature})
        with tf.Graph().as_default():
            x, y = model(tf, np, False)
            with tf.device("/cpu:0"):
                z = tf.identity(y, name="z")
            builder.add_meta_graph(
                [tf.saved_model.tag_constants.TRAINING],
                clear_devices=True,
                strip_default_attrs=True,
                main_op=tf.group(tf.global_variables_initializer(), name="main"),
            )
        builder.save()
    """,
    "assets": """
        paths = [work + "/one/words.txt", work + "/two/words.txt", work + "/three/words.txt", work + "/one/words.txt"]
        for i, path in enumerate(paths):
            name = tf.constant(path, name="path_%d" % i)
            tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, name)
        x, y = model(tf, np, False)
        counter = tf.Variable(0.0, name="counter", trainable=False)
        legacy = tf.group(tf.assign(counter, 5.0), name="legacy")
        builder = tf.saved_model.Builder(folder)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            builder.add_meta_graph_and_variables(
                sess,
                ["serve"],
                signature_def_map={"serving_default": tf.saved_model.predict_signature_def({"x": x}, {"y": y})},
                assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS),
                legacy_init_op=legacy,
                strip_default_attrs=True,
            )
        builder.save()
    """,
    "served by examples": """
        examples = tf.placeholder(tf.string, [None], name="examples")
        numbers = tf.string_to_number(examples)
        w = tf.get_variable("w", initializer=2.0)
        scores = tf.multiply(numbers, w, name="scores")
        labels = tf.as_string(scores, name="labels")
        maps = {
            "classify": tf.saved_model.classification_signature_def(examples, labels, scores),
            "scores": tf.saved_model.classification_signature_def(examples, None, scores),
            "regress": tf.saved_model.regression_signature_def(examples, scores),
        }
        assert all(tf.saved_model.is_valid_signature(each) for each in maps.values())
        builder = tf.saved_model.Builder(folder)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            saver = tf.train.Saver({"renamed": w})
            builder.add_meta_graph_and_variables(sess, ["serve"], maps, saver=saver)
        builder.save()
    """,
    "no variables": """
        x = tf.placeholder(tf.float32, name="x")
        builder = tf.saved_model.Builder(folder)
        with tf.Session() as sess:
            builder.add_meta_graph_and_variables(
                sess, ["serve"], {"serving_default": tf.saved_model.predict_signature_def({"x": x}, {"y": x * 2.0})},
                main_op=tf.saved_model.main_op.main_op(),
            )
        builder.save()
    """,
    "as text": """
        x, y = model(tf, np, False)
        builder = tf.saved_model.Builder(folder)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            builder.add_meta_graph_and_variables(sess, ["a", "b"])
        assert builder.save(as_text=True) == (folder + "/saved_model.pbtxt").encode()
    """,
}


def source(name: str) -> str:
    body = "\n".join(line[4:] for line in PROGRAMS[name].splitlines())
    return f"{_MODEL}\ndef main(tf, np, folder, work):{body}"


def here(text: str, **arguments: Any) -> Any:
    """The program run by evergraph."""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    with Graph().as_default():
        return namespace["main"](tf1, np, **arguments)


@pytest.fixture
def work(tmp_path: Path) -> str:
    for folder, text in (("one", "a\nb\n"), ("two", "c\n"), ("three", "a\nb\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words.txt").write_text(text)
    return str(tmp_path)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_files(tf215: Oracle, tmp_path: Path, work: str, name: str) -> None:
    """The same files; variables and assets byte for byte, MetaGraphs field for field."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    here(source(name), folder=str(ours), work=work)
    tf215.execute(source(name), folder=str(theirs), work=work)
    assert files_in(ours) == files_in(theirs)
    for path in theirs.rglob("*"):
        if path.is_file() and not path.name.startswith("saved_model."):
            assert (ours / path.relative_to(theirs)).read_bytes() == path.read_bytes(), path
    mine, stock = read_saved_model(ours), read_saved_model(theirs)
    assert mine.saved_model_schema_version == stock.saved_model_schema_version
    assert len(mine.meta_graphs) == len(stock.meta_graphs)
    for one, other in zip(mine.meta_graphs, stock.meta_graphs, strict=True):
        compare(one, other)


def compare(ours: Any, theirs: Any) -> None:
    """Two MetaGraphs: everything but which TensorFlow wrote them, and the nodes that compute gradients."""
    assert differences(ours.graph_def, theirs.graph_def) == []
    assert ours.saver_def == theirs.saver_def
    assert dict(ours.signature_def) == dict(theirs.signature_def)
    assert list(ours.asset_file_def) == list(theirs.asset_file_def)
    assert set(ours.collection_def) == set(theirs.collection_def)
    for key in theirs.collection_def:
        assert ours.collection_def[key] == theirs.collection_def[key], key
    mine, stock = ours.meta_info_def, theirs.meta_info_def
    assert list(mine.tags) == list(stock.tags)
    assert mine.stripped_default_attrs == stock.stripped_default_attrs
    assert mine.tensorflow_version == stock.tensorflow_version
    if not any(node.name.startswith("gradients/") for node in theirs.graph_def.node):
        assert [op.name for op in mine.stripped_op_list.op] == [
            op.name for op in stock.stripped_op_list.op
        ]
    known = {field.name for field, _ in ours.ListFields()}
    assert known == {field.name for field, _ in theirs.ListFields()}


_PREDICT = """
def main(tf, np, folder, tags):
    with tf.Session() as sess:
        meta = tf.saved_model.loader.load(sess, tags, folder)
        found = {}
        for key, signature in sorted(meta.signature_def.items()):
            x = np.arange(6.0).reshape(2, 3)
            if signature.method_name != "tensorflow/serving/predict":
                x = ["1.5", "-2"]
            feeds = {info.name: x for info in signature.inputs.values()}
            for name, info in signature.outputs.items():
                found[key + "/" + name] = sess.run(info.name, feeds)
        for variable in tf.global_variables():
            found[variable.name] = sess.run(variable)
        return found
"""
_TAGS = {"two MetaGraphs": ["serve", "cpu"], "as text": ["a", "b"]}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("writer", ["evergraph", "tensorflow"])
def test_predictions(oracle: Oracle, tmp_path: Path, work: str, writer: str, name: str) -> None:
    """What one wrote, both load, and predict the same."""
    folder = str(tmp_path / "export")
    run = here if writer == "evergraph" else oracle.execute
    run(source(name), folder=folder, work=work)
    tags = _TAGS.get(name, ["serve"])
    same(
        here(_PREDICT, folder=folder, tags=tags), oracle.execute(_PREDICT, folder=folder, tags=tags)
    )


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        if value.dtype.kind in "fc":
            np.testing.assert_allclose(ours[name], value, rtol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(ours[name], value, err_msg=name)


_LOAD_V2 = """
import json, sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
found = {}
for name, function in model.signatures.items():
    kinds = {key: spec for key, spec in function.structured_input_signature[1].items()}
    feeds = {}
    for key, spec in kinds.items():
        shape = [2 if size is None else size for size in spec.shape]
        feeds[key] = tf.constant((np.arange(np.prod(shape)) / 2).reshape(shape), spec.dtype)
    found[name] = {key: value.numpy().tolist() for key, value in function(**feeds).items()}
print(json.dumps(found))
"""


def loaded_by_tensorflow_2(oracle: Oracle, folder: str) -> dict[str, dict[str, Any]]:
    """What each signature gives for whole and half numbers, as TensorFlow 2's own loader runs it."""
    done = subprocess.run(
        [oracle.python, "-c", _LOAD_V2, folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def served_here(folder: str) -> dict[str, dict[str, Any]]:
    """The same by load_model."""
    found: dict[str, dict[str, Any]] = {}
    with evergraph.load_model(folder) as model:
        for name, function in model.signatures.items():
            feeds = {}
            for key, (dtype, shape) in function.inputs.items():
                sizes = [2 if size is None else size for size in shape.as_list()]
                values = np.arange(np.prod(sizes)) / 2
                feeds[key] = values.reshape(sizes).astype(dtype.as_numpy_dtype)
            found[name] = function(feeds)
    return found


def agree(ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> None:
    assert set(ours) == set(theirs)
    for name, outputs in theirs.items():
        assert set(ours[name]) == set(outputs)
        for key, value in outputs.items():
            np.testing.assert_allclose(ours[name][key], value, rtol=1e-6, err_msg=f"{name}/{key}")


def test_tensorflow_2_loads_what_was_trained_here(
    oracle: Oracle, tmp_path: Path, work: str
) -> None:
    folder = str(tmp_path / "export")
    here(source("trained"), folder=folder, work=work)
    agree(served_here(folder), loaded_by_tensorflow_2(oracle, folder))


_WRITE_V2 = """
import sys
import tensorflow as tf

class Layer(tf.Module):
    def __init__(self):
        self.w = tf.Variable([[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]], name="w")

    @tf.function
    def __call__(self, x):
        return x @ self.w

class Model(tf.Module):
    def __init__(self):
        self.layer = Layer()
        self.steps = tf.Variable(0, dtype=tf.int64, name="steps", trainable=False)
        self.unused = [tf.Variable("text"), tf.Variable([1, 2])]

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def predict(self, x):
        y = self.layer(x)
        y = tf.cond(tf.reduce_sum(y) > 0.0, lambda: tf.nn.relu(y), lambda: -y)
        _, y = tf.while_loop(lambda i, y: i < 3.0, lambda i, y: (i + 1.0, y + i), [0.0, y])
        return {"y": y, "mean": tf.reduce_mean(y)}

    @tf.function(input_signature=[tf.TensorSpec([], tf.int64)])
    def count(self, by):
        return self.steps.assign_add(by)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x"), tf.TensorSpec([None, 2], tf.float32)])
    def loss(self, x, labels):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.layer(x) - labels))
        return {"loss": loss, "gradient": tape.gradient(loss, self.layer.w)}

model = Model()
signatures = {"serving_default": model.predict, "count": model.count, "loss": model.loss}
tf.saved_model.save(model, sys.argv[1], signatures=signatures)
"""


@pytest.fixture
def of_tensorflow_2(oracle: Oracle, tmp_path: Path) -> str:
    folder = str(tmp_path / "v2")
    done = subprocess.run(
        [oracle.python, "-c", _WRITE_V2, folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_saved_models_of_tensorflow_2_are_served(oracle: Oracle, of_tensorflow_2: str) -> None:
    """Functions, variables, control flow by functions, gradients, state."""
    agree(served_here(of_tensorflow_2), loaded_by_tensorflow_2(oracle, of_tensorflow_2))


def test_objects_of_tensorflow_2(of_tensorflow_2: str) -> None:
    (meta,) = read_saved_model(of_tensorflow_2).meta_graphs
    with evergraph.open_checkpoint(of_tensorflow_2) as checkpoint:
        objects = SavedObjects(meta.object_graph_def, checkpoint.object_graph)
        variables = {variable.path: variable for variable in objects.variables()}
        assert {"layer/w", "steps", "unused/0", "unused/1"} <= set(variables)
        assert variables["layer/w"].name == "w"
        assert variables["layer/w"].shape.as_list() == [3, 2]
        values = {path: checkpoint[str(found.key)] for path, found in variables.items()}
    assert values["layer/w"].tolist() == [[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]]
    assert values["unused/0"].item() == b"text"
    functions = {function.path for function in objects.functions()}
    assert {"predict", "count", "loss", "signatures/serving_default"} <= functions


@pytest.mark.shared
def test_keras_3(tf221: Oracle, shared: Path) -> None:
    folder = str(shared / "data" / "edge" / "keras_saved_model")
    agree(served_here(folder), loaded_by_tensorflow_2(tf221, folder))


_SCOPED = """
def main(tf, np, folder):
    with tf.Session() as sess:
        tf.placeholder(tf.float32, name="x")
        tf.saved_model.load(sess, ["serve"], folder, import_scope="first")
        tf.saved_model.load(sess, ["serve"], folder, import_scope="second")
        x = np.arange(6.0).reshape(2, 3)
        names = sorted(op.name for op in tf.get_default_graph().get_operations())
        y = sess.run("second/y:0", {"second/x:0": x})
        return y, names, sess.run("first/counter:0"), sess.run("second/counter:0")
"""


def test_scopes(tf215: Oracle, tmp_path: Path, work: str) -> None:
    folder = str(tmp_path / "export")
    here(source("assets"), folder=folder, work=work)
    y, names, *counters = here(_SCOPED, folder=folder)
    assert counters == [5.0, 5.0]
    # TensorFlow runs the main op of the first model twice: its loader takes the first of the collection.
    their_y, their_names, *_ = tf215.execute(_SCOPED, folder=folder)
    np.testing.assert_allclose(y, their_y, rtol=1e-6)
    assert names == their_names


#: Calls that fail, in a folder with a SavedModel at ``folder``; the class of the error is the same.
FAILURES = {
    "tags": 'tf.saved_model.load(tf.Session(), ["gpu"], folder)',
    "no folder": 'tf.saved_model.load(tf.Session(), ["serve"], folder + "/none")',
    "not empty": "tf.saved_model.Builder(folder)",
    "second": "tf.saved_model.Builder(folder + '2').add_meta_graph(['a'])",
    "main op": """
        with tf.Session() as sess:
            tf.saved_model.Builder(folder + "2").add_meta_graph_and_variables(sess, ["a"], main_op=tf.constant(1))
    """,
    "two main ops": """
        tf.add_to_collection("legacy_init_op", tf.no_op())
        with tf.Session() as sess:
            tf.saved_model.Builder(folder + "2").add_meta_graph_and_variables(sess, ["a"], main_op=tf.no_op())
    """,
    "asset": """
        with tf.Session() as sess:
            tf.saved_model.Builder(folder + "2").add_meta_graph_and_variables(
                sess, ["a"], assets_collection=[tf.placeholder(tf.string)])
    """,
    "asset of numbers": """
        with tf.Session() as sess:
            tf.saved_model.Builder(folder + "2").add_meta_graph_and_variables(
                sess, ["a"], assets_collection=[tf.constant(1)])
    """,
    "reserved": """
        info = tf.saved_model.build_tensor_info(tf.constant(1))
        signature = tf.saved_model.build_signature_def({}, {"a": info}, "m")
        with tf.Session() as sess:
            tf.saved_model.Builder(folder + "2").add_meta_graph_and_variables(
                sess, ["a"], {"__saved_model_init_op": signature})
    """,
    "no type": """
        info = tf.saved_model.build_tensor_info(tf.constant(1))
        info.dtype = 0
        signature = tf.saved_model.build_signature_def({}, {"a": info}, "m")
        with tf.Session() as sess:
            tf.saved_model.Builder(folder + "2").add_meta_graph_and_variables(sess, ["a"], {"s": signature})
    """,
    "no inputs": "tf.saved_model.predict_signature_def({}, {'a': tf.constant(1)})",
    "examples": "tf.saved_model.regression_signature_def(tf.constant(1.0), tf.constant(1.0))",
    "no examples": "tf.saved_model.classification_signature_def(None, None, tf.constant(1.0))",
    "labels": "tf.saved_model.classification_signature_def(tf.constant('a'), tf.constant(1.0), None)",
    "tensor info": """
        info = tf.saved_model.build_tensor_info(tf.constant(1))
        info.name = "other:0"
        tf.saved_model.get_tensor_from_tensor_info(info)
    """,
}


@pytest.mark.parametrize("name", FAILURES)
def test_errors(tf215: Oracle, tmp_path: Path, work: str, name: str) -> None:
    text = """
def main(tf, np, folder):
    try:
{body}
    except Exception as error:
        return [each.__name__ for each in type(error).__mro__]
"""
    body = "\n".join(
        "        " + line.removeprefix("        ") for line in FAILURES[name].splitlines()
    )
    folders = [str(tmp_path / which) for which in ("ours", "theirs")]
    for folder in folders:
        here(source("simple_save"), folder=folder, work=work)
    ours = here(text.format(body=body), folder=folders[0])
    theirs = tf215.execute(text.format(body=body), folder=folders[1])
    assert ours
    assert theirs
    assert theirs[0] in ours
    assert os.listdir(tmp_path / "ours") == os.listdir(tmp_path / "ours")
