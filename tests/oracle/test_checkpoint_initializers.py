"""Variables that begin with a checkpoint: the nodes that TensorFlow makes for it, and the values that it loads."""

from __future__ import annotations

import textwrap
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.formats.protos import GraphDef
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle, OracleError
from tests.oracle.nodes import differences

pytestmark = pytest.mark.oracle

MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)
STORED = {
    "old/a": np.array([1.5, -2.0, 3.0], np.float32),
    "old/deep/b": np.array(7, np.int64),
    "old/w": MATRIX,
    "rooted": np.array([4.0], np.float32),
    "emb": MATRIX + 100,
    "emb/Adam": MATRIX + 200,
    "new/a": np.array([8.0, 9.0, 10.0], np.float32),
    "new/deep/b": np.array(11, np.int64),
}
FILES = {"old.txt": "mars\nvenus\nsaturn\nmoon\n", "new.txt": "moon\npluto\nmars\nvenus\nsun\n",
         "old_columns.txt": "good\nbetter\nbest\n", "new_columns.txt": "best\nawful\ngood\n"}  # fmt: skip

RUN = """
def main(tf, np, FOLDER, RESOURCE):
    PREFIX = FOLDER + "/model-5"
{body}
    graph = tf.get_default_graph().as_graph_def().SerializeToString()
    initialize = tf.global_variables_initializer()
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
        session.run(initialize)
        values = {{v.name: session.run(v) for v in tf.global_variables()}}
    return graph, values
"""
VARIABLES = """
with tf.variable_scope("new", use_resource=RESOURCE):
    a = tf.get_variable("a", [3])
    b = tf.get_variable("deep/b", [], tf.int64)
"""
PARTS = """
with tf.variable_scope("new", use_resource=RESOURCE):
    parts = [tf.get_variable("w/part_%d" % i, [2, 3]) for i in range(2)]
for i, part in enumerate(parts):
    part._set_save_slice_info(tf.Variable.SaveSliceInfo("new/w", [4, 3], [2 * i, 0], [2, 3]))
"""

INITIALIZED = {
    "variables": VARIABLES + "tf.train.init_from_checkpoint(PREFIX, {'old/deep/b': b, 'old/a': a})",
    "names": (
        VARIABLES
        + "tf.train.init_from_checkpoint(PREFIX, {'old/a': 'new/a', 'old/deep/b': 'new/deep/b'})"
    ),
    "a scope": VARIABLES + "tf.train.init_from_checkpoint(PREFIX, {'old/': 'new/'})",
    "the root, from a scope": dedent("""
        tf.get_variable("a", [3])
        tf.train.init_from_checkpoint(PREFIX, {"old/": "/"})
    """),
    "a scope, from the root": dedent("""
        with tf.variable_scope("model"):
            tf.get_variable("rooted", [1])
        tf.train.init_from_checkpoint(PREFIX, {"/": "model/"})
    """),
    "the root, from the root": VARIABLES + "tf.train.init_from_checkpoint(PREFIX, {'/': '/'})",
    "pairs": VARIABLES + dedent("""
        c = tf.get_variable("c", [3])
        tf.train.init_from_checkpoint(PREFIX, [("old/a", c), ("old/a", "new/a")])
    """),
    "the latest of a folder": VARIABLES + "tf.train.init_from_checkpoint(FOLDER, {'old/a': a})",
    "within scopes": VARIABLES + dedent("""
        with tf.name_scope("load"), tf.device("/gpu:0"):
            tf.train.init_from_checkpoint(PREFIX, {"old/a": a})
    """),
    "on a device": dedent("""
        with tf.device("/gpu:2"):
            a = tf.get_variable("a", [3], use_resource=RESOURCE)
        tf.train.init_from_checkpoint(PREFIX, {"old/a": a})
    """),
    "twice": VARIABLES + dedent("""
        tf.train.init_from_checkpoint(PREFIX, {"old/a": a})
        tf.train.init_from_checkpoint(PREFIX, {"new/a": a})
    """),
    "tf.Variable": dedent("""
        v = tf.Variable([0.0, 0.0, 0.0], name="v")
        tf.train.init_from_checkpoint(PREFIX, {"old/a": v})
    """),
    "parts, as a list": PARTS + "tf.train.init_from_checkpoint(PREFIX, {'old/w': parts})",
    "parts, by name": PARTS + "tf.train.init_from_checkpoint(PREFIX, {'old/w': 'new/w'})",
    "parts, in a scope": PARTS + "tf.train.init_from_checkpoint(PREFIX, {'old/': 'new/'})",
    "warm start": VARIABLES + "tf.train.warm_start(PREFIX)",
    "warm start of some": VARIABLES + "tf.train.warm_start(PREFIX, 'new/a')",
    "warm start by names": VARIABLES + "tf.train.warm_start(PREFIX, ['new/deep', 'new/a'])",
    "warm start of variables": VARIABLES + "tf.train.warm_start(PREFIX, [b, a])",
    "warm start, other names": VARIABLES + dedent("""
        tf.train.warm_start(PREFIX, var_name_to_prev_var_name={"new/a": "old/a"})
    """),
    "warm start, one tensor twice": VARIABLES + dedent("""
        c = tf.get_variable("c", [3])
        tf.train.warm_start(PREFIX, [c, b, a], var_name_to_prev_var_name={"c": "new/a"})
    """),
    "warm start of parts": PARTS + dedent("""
        tf.train.warm_start(PREFIX, "new/w", var_name_to_prev_var_name={"new/w": "old/w"})
    """),
}  # fmt: skip
VOCABULARIES = {
    "rows": ([7, 3], "VocabInfo(FOLDER + '/new.txt', 5, 2, FOLDER + '/old.txt')"),
    "rows, no buckets": ([5, 3], "VocabInfo(FOLDER + '/new.txt', 5, 0, FOLDER + '/old.txt')"),
    "rows, part of the old": (
        [4, 3],
        "VocabInfo(FOLDER + '/new.txt', 4, 0, FOLDER + '/old.txt', 2, tf.ones_initializer())",
    ),
    "columns": (
        [4, 4],
        "VocabInfo(FOLDER + '/new_columns.txt', 3, 1, FOLDER + '/old_columns.txt', axis=1)",
    ),
    "columns, other values": (
        [4, 3],
        "VocabInfo(FOLDER + '/new_columns.txt', 3, 0, FOLDER + '/old_columns.txt', -1, "
        "tf.ones_initializer(), 1)",
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> str:
    save_checkpoint(tmp_path / "model-5", STORED, update_state=True)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return str(tmp_path)


def main_of(program: str) -> str:
    return RUN.format(body=textwrap.indent(dedent(program).strip(), "    "))


def run(source: str, *arguments: Any) -> Any:
    """What TensorFlow is asked with ``execute``, here."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    with Graph().as_default():
        return namespace["main"](tf1, np, *arguments)


def check(program: str, oracle: Oracle, folder: str, resource: bool) -> None:
    source = main_of(program)
    ours, values = run(source, folder, resource)
    theirs, stock_values = oracle.execute(source, FOLDER=folder, RESOURCE=resource)
    assert differences(GraphDef.FromString(ours), GraphDef.FromString(theirs)) == []
    assert values.keys() == stock_values.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(value, stock_values[name], name)


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("name", INITIALIZED)
def test_initializers(name: str, resource: bool, tf215: Oracle, folder: str) -> None:
    check(INITIALIZED[name], tf215, folder, resource)


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_other_vocabularies(name: str, resource: bool, tf215: Oracle, folder: str) -> None:
    shape, info = VOCABULARIES[name]
    program = f"""
        with tf.variable_scope("new", use_resource=RESOURCE):
            emb = tf.get_variable("emb", {shape})
        info = tf.train.{info}
        tf.train.warm_start(PREFIX, ["new/emb"], {{"new/emb": info}}, {{"new/emb": "emb"}})
    """
    check(program, tf215, folder, resource)


def test_parts_with_another_vocabulary(tf215: Oracle, folder: str) -> None:
    program = """
        parts = [tf.get_variable("emb/part_%d" % i, [4, 3]) for i in range(2)]
        for i, part in enumerate(parts):
            part._set_save_slice_info(tf.Variable.SaveSliceInfo("emb", [8, 3], [4 * i, 0], [4, 3]))
        info = tf.train.VocabInfo(FOLDER + "/new.txt", 5, 3, FOLDER + "/old.txt")
        tf.train.warm_start(PREFIX, "emb", {"emb": info})
    """
    check(program, tf215, folder, resource=False)


TWO_PARTS = """
parts = [tf.get_variable("x/part_%d" % i, [2, 3]) for i in range(2)]
for i, part in enumerate(parts):
    part._set_save_slice_info(tf.Variable.SaveSliceInfo("x%d" % i, [4, 3], [2 * i, 0], [2, 3]))
EMPTY = FOLDER + "/empty"
"""
REFUSED = {
    "no such tensor": "tf.train.init_from_checkpoint(PREFIX, {'old/A': a})",
    "no such variable": "tf.train.init_from_checkpoint(PREFIX, {'old/a': 'new/A'})",
    "another shape": "tf.train.init_from_checkpoint(PREFIX, {'old/w': a})",
    "not in the scope": "tf.train.init_from_checkpoint(PREFIX, {'ol/': 'new/'})",
    "parts of two": "tf.train.init_from_checkpoint(PREFIX, {'old/w': parts})",
    "no checkpoint": "tf.train.init_from_checkpoint(FOLDER + '/none', {'old/a': a})",
    "an empty folder": "tf.train.init_from_checkpoint(EMPTY, {'old/a': a})",
    "None": "tf.train.init_from_checkpoint(None, {'old/a': a})",
    "names that are none": "tf.train.warm_start(PREFIX, 'new/a', None, {'new/A': 'x'})",
    "a vocabulary of none": (
        "tf.train.warm_start(PREFIX, 'new/a', {'x': tf.train.VocabInfo('a', 1, 0, 'b')})"
    ),
    "mixed": "tf.train.warm_start(PREFIX, ['new/a', a])",
    "a number": "tf.train.warm_start(PREFIX, 5)",
    "no vocabulary": "tf.train.warm_start(PREFIX, [a], {'new/a': tf.train.VocabInfo('', 1, 0, 'b')})",
    "axis 2": "tf.train.VocabInfo('a', 1, 0, 'b', axis=2)",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, tf215: Oracle, folder: str) -> None:
    (Path(folder) / "empty").mkdir()
    source = main_of(VARIABLES + TWO_PARTS + REFUSED[name])
    with pytest.raises(OracleError) as theirs:
        tf215.execute(source, FOLDER=folder, RESOURCE=False)
    with pytest.raises(Exception) as ours:
        run(source, folder, False)
    assert theirs.value.type in [base.__name__ for base in ours.type.__mro__], ours.value


def test_tensorflow_runs_the_graph_and_its_variables_begin_so(tf215: Oracle, folder: str) -> None:
    """The MetaGraph of a graph built here: TensorFlow's global_variables_initializer loads the checkpoint."""
    with Graph().as_default():
        a = tf1.get_variable("a", [3])
        b = tf1.get_variable("b", [], tf1.int64, use_resource=True)
        tf1.train.init_from_checkpoint(folder, {"old/a": a, "old/deep/b": b})
        meta = tf1.train.export_meta_graph(f"{folder}/graph.meta")
    assert meta is not None
    source = """
def main(tf, np, path):
    tf.train.import_meta_graph(path)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(v) for v in tf.global_variables()]
"""
    values = tf215.execute(source, path=f"{folder}/graph.meta")
    np.testing.assert_array_equal(values[0], STORED["old/a"])
    np.testing.assert_array_equal(values[1], STORED["old/deep/b"])


def test_a_warm_start_from_objects(tf215: Oracle, folder: str) -> None:
    """What tf.train.Checkpoint has saved is found by the variables' names."""
    save = """
def main(tf, np, prefix):
    with tf.variable_scope("new"):
        a = tf.get_variable("a", initializer=np.float32([4, 5, 6]), use_resource=True)
        b = tf.get_variable("deep/b", initializer=np.int64(9), use_resource=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return tf.train.Checkpoint(one=a, two=b).save(prefix, session)
"""
    path = tf215.execute(save, prefix=f"{folder}/objects")
    program = dedent(VARIABLES) + f"tf.train.warm_start({path!r}, ['new/'])"
    check(program, tf215, folder, resource=True)
    source = main_of(program.replace("deep/b", "deep/c"))
    with pytest.raises(OracleError, match=r"were missing.*new/deep/c") as theirs:
        tf215.execute(source, FOLDER=folder, RESOURCE=False)
    assert theirs.value.type == "ValueError"
    with pytest.raises(ValueError, match=r"missing: new/deep/c.*'new/deep/b'"):
        run(source, folder, False)


def test_averages_are_restored_into_their_variables(tf215: Oracle, tmp_path: Path) -> None:
    """variables_to_restore: TensorFlow trains and saves with averages, evergraph restores them; and the reverse."""
    train = """
def main(tf, np, prefix):
    w = tf.get_variable("w", initializer=np.float32([1, 2]))
    r = tf.get_variable("r", initializer=np.float32([5]), use_resource=True)
    step = tf.train.get_or_create_global_step()
    average = tf.train.ExponentialMovingAverage(0.5, step)
    change = tf.group(w.assign_add([1.0, 1.0]), r.assign_add([2.0]), step.assign_add(1))
    with tf.control_dependencies([change]):
        update = average.apply([w, r])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(update)
        tf.train.Saver().save(session, prefix)
        return [session.run(average.average(v)) for v in (w, r)]
"""
    serve = """
def main(tf, np, prefix):
    w = tf.get_variable("w", [2])
    r = tf.get_variable("r", [1], use_resource=True)
    step = tf.train.get_or_create_global_step()
    names = tf.train.ExponentialMovingAverage(0.5).variables_to_restore()
    with tf.Session() as session:
        tf.train.Saver(names).restore(session, prefix)
        return sorted((name, v.name) for name, v in names.items()), session.run([w, r, step])
"""

    for number, (trainer, server) in enumerate(
        [
            (lambda p: tf215.execute(train, prefix=p), lambda p: run(serve, p)),
            (lambda p: run(train, p), lambda p: tf215.execute(serve, prefix=p)),
        ]
    ):
        prefix = str(tmp_path / f"m{number}")
        averages = trainer(prefix)
        names, values = server(prefix)
        assert [tuple(pair) for pair in names] == [
            ("global_step", "global_step:0"),
            ("r/ExponentialMovingAverage", "r:0"),
            ("w/ExponentialMovingAverage", "w:0"),
        ]
        np.testing.assert_array_equal(values[0], averages[0])
        np.testing.assert_array_equal(values[1], averages[1])
        assert values[2] == 3
