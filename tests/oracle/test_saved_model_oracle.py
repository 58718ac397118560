"""SavedModels against TensorFlow's: what is written, field for field and byte for byte, and what either makes of the
other's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.graph_file import read_saved_model
from evergraph.graph.graph import Graph
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
def main(tf, np, folder):
    import subprocess, sys
    code = '''
import sys, json, tensorflow as tf
function = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
print(json.dumps(function(tf.constant([[0., 1., 2.], [3., 4., 5.]]))["y"].numpy().tolist()))
'''
    return subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True).stdout
"""


def test_tensorflow_2_loads_it(oracle: Oracle, tmp_path: Path, work: str) -> None:
    import json

    folder = str(tmp_path / "export")
    here(source("trained"), folder=folder, work=work)
    expected = here(_PREDICT, folder=folder, tags=["serve"])["serving_default/y"]
    found = json.loads(oracle.execute(_LOAD_V2, folder=folder))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


_SCOPED = """
def main(tf, np, folder):
    with tf.Session() as sess:
        tf.placeholder(tf.float32, name="x")
        tf.saved_model.load(sess, ["serve"], folder, import_scope="first")
        tf.saved_model.load(sess, ["serve"], folder, import_scope="second")
        x = np.arange(6.0).reshape(2, 3)
        names = sorted(op.name for op in tf.get_default_graph().get_operations())
        found = {"y": sess.run("second/y:0", {"second/x:0": x}), "names": np.array(names)}
        found["counters"] = np.array(sess.run(["first/counter:0", "second/counter:0"]))
        return found
"""


def test_scopes(tf215: Oracle, tmp_path: Path, work: str) -> None:
    folder = str(tmp_path / "export")
    here(source("assets"), folder=folder, work=work)
    ours, theirs = here(_SCOPED, folder=folder), tf215.execute(_SCOPED, folder=folder)
    assert ours["counters"].tolist() == [5.0, 5.0]
    # TensorFlow runs the main op of the first model again: its loader takes the first of the collection.
    del ours["counters"], theirs["counters"]
    same(ours, theirs)


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
