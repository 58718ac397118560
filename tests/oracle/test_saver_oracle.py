"""Savers and their switches: the same nodes, files and state as TensorFlow's, read both ways.

A program makes variables and a saver, and saves some times; TensorFlow and evergraph each run it in
a folder of their own. Then each restores what the other has written.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.protos import GraphDef, MetaGraphDef, SaverDef
from evergraph.graph.graph import Graph
from evergraph.ops import checkpoint_io
from evergraph.ops.passing import placeholder
from tests.oracle.client import Oracle
from tests.oracle.nodes import differences

pytestmark = pytest.mark.oracle

THEIR_LIBRARY = "from tensorflow.python.training import saver as lib"
OUR_LIBRARY = "from evergraph.train import saver_builder as lib"
RUN = """
import os

def main(tf, np, folder, build, saves, restore_from):
    names = {"tf": tf, "np": np, "lib": lib}
    exec(build, names)
    saver = names["saver"]
    variables = names.get("variables") or tf.global_variables()
    graph = tf.get_default_graph().as_graph_def().SerializeToString()
    config = tf.ConfigProto(device_count={"CPU": 3})
    home = os.getcwd()
    os.chdir(folder)
    try:
        with tf.Session(config=config) as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            if restore_from:
                saver.restore(session, restore_from)
                return session.run(variables)
            paths = []
            for step in range(1, 5):
                session.run([tf.assign_add(v, tf.ones_like(v)) for v in variables
                             if v.dtype.base_dtype != tf.string])
                exec(saves, {"tf": tf, "saver": saver, "session": session, "step": step, "paths": paths})
            return graph, paths, saver.as_saver_def().SerializeToString(), (
                saver.last_checkpoints, session.run(variables))
    finally:
        os.chdir(home)
"""

MODEL = """
with tf.device("/cpu:1"):
    tf.get_variable("a", initializer=[[1.0, 2.0], [3.0, 4.0]])
with tf.device("/cpu:0"):
    tf.get_variable("scope/b", initializer=[5, 6, 7])
    tf.get_variable("c", initializer=np.array([1.5, -2.0]), use_resource=True)
"""
SAVES = "paths.append(saver.save(session, './model', global_step=step))"

# What the saver is made by.
SAVERS = {
    "none": "tf.train.Saver()",
    "V1": "tf.train.Saver(write_version=tf.train.SaverDef.V1)",
    "V1, sharded": "tf.train.Saver(write_version=tf.train.SaverDef.V1, sharded=True)",
    "V1, sharded, two kept": (
        "tf.train.Saver(write_version=tf.train.SaverDef.V1, sharded=True, max_to_keep=2)"
    ),
    "V1, two kept": "tf.train.Saver(write_version=tf.train.SaverDef.V1, max_to_keep=2)",
    "V1, all": "tf.train.Saver(write_version=tf.train.SaverDef.V1, max_to_keep=0)",
    "sharded": "tf.train.Saver(sharded=True)",
    "sharded, two kept": "tf.train.Saver(sharded=True, max_to_keep=2)",
    "reshape": "tf.train.Saver(reshape=True)",
    "reshape, V1": "tf.train.Saver(reshape=True, write_version=tf.train.SaverDef.V1)",
    "reshape, sharded": "tf.train.Saver(reshape=True, sharded=True)",
    "sequentially": "tf.train.Saver(restore_sequentially=True)",
    "sequentially, sharded": "tf.train.Saver(restore_sequentially=True, sharded=True)",
    "max_to_keep=1": "tf.train.Saver(max_to_keep=1)",
    "max_to_keep=0": "tf.train.Saver(max_to_keep=0)",
    "max_to_keep=None": "tf.train.Saver(max_to_keep=None)",
    "every hour": "tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1)",
    "every moment": "tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1e-12)",
    "name": "tf.train.Saver(name='mine')",
    "padded": "tf.train.Saver(pad_step_number=True)",
    "relative": "tf.train.Saver(save_relative_paths=True)",
    "relative, V1, sharded": (
        "tf.train.Saver(save_relative_paths=True, write_version=1, sharded=True)"
    ),
    "filename": "tf.train.Saver(filename='known')",
    "allow_empty": "tf.train.Saver(allow_empty=True)",
    "deferred": """
        saver = tf.train.Saver(defer_build=True)
        tf.get_variable("late", initializer=1.0)
        saver.build()
        saver.build()
    """,
    "some": """
        variables = tf.global_variables()[:1]
        saver = tf.train.Saver(variables)
    """,
    "by other names": "tf.train.Saver({'x/' + v.op.name: v for v in tf.global_variables()})",
    "two savers": """
        tf.train.Saver(tf.global_variables()[:1])
        saver = tf.train.Saver()
    """,
    "in a scope": """
        with tf.name_scope("outer"):
            saver = tf.train.Saver()
    """,
    "local variables": """
        tf.get_variable("mine", initializer=2.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
        variables = tf.local_variables()
        saver = tf.train.Saver(variables)
    """,
    "strings": """
        tf.get_variable("text", initializer=["a", "bc"])
        saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
    """,
    "one by one": """
        saver = tf.train.Saver(builder=lib.BaseSaverBuilder())
    """,
    "one by one, V1, sharded": """
        saver = tf.train.Saver(builder=lib.BaseSaverBuilder(1), sharded=True)
    """,
    "saver_def": """
        first = tf.train.Saver(write_version=1, max_to_keep=2)
        saver = tf.train.Saver(saver_def=first.as_saver_def())
    """,
    "through a proto": """
        first = tf.train.Saver(sharded=True, max_to_keep=2)
        saver = tf.train.Saver.from_proto(first.to_proto())
    """,
}
# SaveableObjects and builders of a program's own.
OWN = {
    "an object of several tensors": """
        class Pair(lib.BaseSaverBuilder.SaveableObject):
            def __init__(self, first, second, name):
                self.both = first, second
                spec = lib.BaseSaverBuilder.SaveSpec
                super().__init__(first, [
                    spec(lambda: first + second, "", name + "/sum", tf.float32, first.device),
                    spec(second.value(), "", name + "/second"),
                ], name)
            def restore(self, restored_tensors, restored_shapes):
                total, second = restored_tensors
                if restored_shapes is not None:
                    second = tf.reshape(second, restored_shapes[1])
                return tf.group(self.both[0].assign(total - second), self.both[1].assign(second))

        with tf.device("/cpu:0"):
            variables = [tf.get_variable(name, initializer=[1.0, 2.0], collections=["local_variables"])
                         for name in ("p", "q")]
        tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, Pair(*variables, "pair"))
        saver = tf.train.Saver({switches})
        variables += tf.global_variables()
    """,
    "a builder that renames": """
        class Renaming(lib.BulkSaverBuilder):
            def save_op(self, filename_tensor, saveables):
                for saveable in saveables:
                    for spec in saveable.specs:
                        spec.name = "new/" + spec.name
                return super().save_op(filename_tensor, saveables)
        saver = tf.train.Saver(builder=Renaming({version}), {switches})
    """,
    "a builder that restores in its own way": """
        class Own(lib.BaseSaverBuilder):
            def restore_op(self, filename_tensor, saveable, preferred_shard):
                with tf.name_scope("own"):
                    return super().restore_op(filename_tensor, saveable, preferred_shard)
            def sharded_filename(self, filename_tensor, shard, num_shards):
                return tf.identity(super().sharded_filename(filename_tensor, shard, num_shards))
        saver = tf.train.Saver(builder=Own({version}), {switches})
    """,
}
SWITCHES = {
    "plain": "",
    "sharded": "sharded=True, max_to_keep=1",
    "V1, sharded, reshaped": "sharded=True, reshape=True, write_version=1",
}
SAVE_CALLS = {
    "no step": "paths.append(saver.save(session, './model'))",
    "a state file of its own": (
        "paths.append(saver.save(session, './model', global_step=step, latest_filename='mine'))"
    ),
    "another suffix": "paths.append(saver.save(session, './model', step, meta_graph_suffix='m'))",
    "no meta": "paths.append(saver.save(session, './model', step, write_meta_graph=False))",
    "no state": "paths.append(saver.save(session, './model', step, write_state=False))",
    "stripped": "paths.append(saver.save(session, './model', step, strip_default_attrs=True))",
    "recovered": """
if step == 3:
    saver.set_last_checkpoints([])
    kept = tf.train.get_checkpoint_state('.').all_model_checkpoint_paths
    saver.recover_last_checkpoints([*kept, './gone'])
paths.append(saver.save(session, './model', global_step=step))
    """,
    "taken over without times": """
if step == 3:
    saver.set_last_checkpoints(saver.last_checkpoints)
paths.append(saver.save(session, './model', global_step=step))
    """,
    "taken over with times": """
if step == 3:
    saver.set_last_checkpoints_with_time([(path, 1.0) for path in saver.last_checkpoints])
paths.append(saver.save(session, './model', global_step=step))
    """,
    "the same again": "paths.append(saver.save(session, './model', global_step=step // 2))",
    "a step that is a variable": """
number = tf.train.get_or_create_global_step()
session.run(number.assign(step))
paths.append(saver.save(session, './model', number))
    """,
    "without a folder": "paths.append(saver.save(session, 'model', step))",
    "in a folder": (
        "import os; os.makedirs('deep', exist_ok=True); "
        "paths.append(saver.save(session, 'deep/model', step))"
    ),
}


def run(oracle: Oracle | None, folder: Path, build: str, saves: str, restore_from: str = "") -> Any:
    """What the program returns: evergraph's, where there is no oracle."""
    folder.mkdir(exist_ok=True)
    args = {"folder": str(folder), "build": build, "saves": saves, "restore_from": restore_from}
    if oracle is not None:
        return oracle.execute(THEIR_LIBRARY + RUN, **args)
    namespace: dict[str, Any] = {}
    exec(OUR_LIBRARY + RUN, namespace)
    with Graph().as_default():
        return namespace["main"](tf1, np, **args)


def check(oracle: Oracle, tmp_path: Path, saver: str, saves: str) -> None:
    text = textwrap.dedent(saver).strip()
    build = MODEL + (text if "saver =" in text else f"saver = {text}")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    graph, paths, saver_def, (kept, values) = run(None, ours, build, saves)
    their_graph, their_paths, their_saver_def, (their_kept, their_values) = run(
        oracle, theirs, build, saves
    )
    assert differences(GraphDef.FromString(graph), GraphDef.FromString(their_graph)) == []
    assert SaverDef.FromString(saver_def) == SaverDef.FromString(their_saver_def)
    mine, stock = contents(ours), contents(theirs)
    if not SaverDef.FromString(saver_def).max_to_keep:
        # Of a saver that keeps all, TensorFlow lists the newest only; here the state file lists them all.
        kept = kept and kept[-1:]
        for found in (mine, stock):
            found.update({name: newest(found[name]) for name in found if name == "checkpoint"})
    assert (paths, kept) == (their_paths, their_kept)
    assert mine == stock
    check_metas(ours, theirs)
    same(values, their_values)
    same(run(oracle, theirs, build, saves, str(ours / paths[-1])), values)
    same(run(None, ours, build, saves, str(theirs / paths[-1])), values)


def newest(state: bytes) -> bytes:
    """A state file without its list."""
    return b"".join(line for line in state.splitlines(True) if not line.startswith(b"all_"))


def same(values: Any, others: Any) -> None:
    for value, other in zip(values, others, strict=True):
        np.testing.assert_array_equal(value, other)


def contents(folder: Path) -> dict[str, Any]:
    """The files; of a `.meta` the saver and the collections, its graph being compared by itself."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".meta", ".m"):
            meta = MetaGraphDef.FromString(path.read_bytes())
            collections = {key: str(meta.collection_def[key]) for key in meta.collection_def}
            found[str(path.relative_to(folder))] = (str(meta.saver_def), collections)
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def check_metas(ours: Path, theirs: Path) -> None:
    for path in (*ours.rglob("*.meta"), *ours.rglob("*.m")):
        mine = MetaGraphDef.FromString(path.read_bytes())
        stock = MetaGraphDef.FromString((theirs / path.relative_to(ours)).read_bytes())
        assert differences(mine.graph_def, stock.graph_def) == []
        mine_info, stock_info = mine.meta_info_def, stock.meta_info_def
        assert mine_info.stripped_default_attrs == stock_info.stripped_default_attrs
        names = [op.name for op in stock_info.stripped_op_list.op]
        assert [op.name for op in mine_info.stripped_op_list.op] == names


@pytest.mark.parametrize("saver", SAVERS)
def test_saver(tf215: Oracle, tmp_path: Path, saver: str) -> None:
    check(tf215, tmp_path, SAVERS[saver], SAVES)


@pytest.mark.parametrize("switches", SWITCHES)
@pytest.mark.parametrize("own", OWN)
def test_own_objects_and_builders(tf215: Oracle, tmp_path: Path, own: str, switches: str) -> None:
    text = OWN[own].replace("{switches}", SWITCHES[switches])
    check(tf215, tmp_path, text.replace("{version}", "1" if "V1" in switches else "2"), SAVES)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("call", SAVE_CALLS)
def test_save(tf215: Oracle, tmp_path: Path, call: str, version: int) -> None:
    maker = f"tf.train.Saver(write_version={version}, max_to_keep=2, sharded={version == 1})"
    check(tf215, tmp_path, maker, SAVE_CALLS[call])


REFUSED = {
    "nothing": "tf.train.Saver([])",
    "nothing by name": "tf.train.Saver({})",
    "twice": "tf.train.Saver([v, v])",
    "two names": "tf.train.Saver({'a': v, 'b': v})",
    "a name that is a number": "tf.train.Saver({1: v})",
    "a constant": "tf.train.Saver([tf.constant(1.0)])",
    "a constant by name": "tf.train.Saver({'a': tf.constant(1.0)})",
    "a number": "tf.train.Saver([1])",
    "an operation": "tf.train.Saver([v.op])",
    "a variable": "tf.train.Saver(v)",
    "a name": "tf.train.Saver('v')",
    "a tuple": "tf.train.Saver((v,))",
    "a set": "tf.train.Saver({v})",
    "nested lists": "tf.train.Saver([[v], ()])",
    "deferred with variables": "tf.train.Saver([v], defer_build=True)",
    "no SaverDef": "tf.train.Saver(saver_def=3)",
    "an empty SaverDef": "tf.train.Saver(saver_def=tf.train.SaverDef())",
    "an empty SaverDef, deferred": "tf.train.Saver(saver_def=tf.train.SaverDef(), defer_build=True)",
    "a graph without variables": "with tf.Graph().as_default(): tf.train.Saver()",
    "not built": "tf.train.Saver(defer_build=True).save(session, 'x')",
    "no session": "saver.save(v, 'x')",
    "a path for the state": "saver.save(session, 'x', latest_filename='a/b')",
    "the state's own name": "saver.save(session, 'checkpoint')",
    "the state's own name, another": "saver.save(session, 'x', latest_filename='x')",
    "not initialized": "saver.save(session, './x')",
    "restore None": "saver.restore(session, None)",
    "restore nothing": "saver.restore(session, 'nowhere/at/all')",
    "no list": "saver.set_last_checkpoints('x')",
    "no list of pairs": "saver.set_last_checkpoints_with_time((('x', 1.0),))",
    "a spec without a type": "lib.BaseSaverBuilder.SaveSpec(lambda: v, '', 'v', device='')",
    "an object without restore": (
        "lib.BaseSaverBuilder.SaveableObject(v, [], 'v').restore([], None)"
    ),
    "two devices in an object": """
        with tf.device('/cpu:1'):
            w = tf.Variable(1.0)
        spec = lib.BaseSaverBuilder.SaveSpec
        both = lib.BaseSaverBuilder.SaveableObject(v, [spec(v, '', 'v'), spec(w, '', 'w')], 'both')
        tf.train.Saver([both], sharded=True)
    """,
    "the same object twice": """
        spec = lib.BaseSaverBuilder.SaveSpec(v, '', 'v')
        tf.train.Saver([lib.BaseSaverBuilder.SaveableObject(v, [spec], n) for n in 'ab'])
    """,
}
REFUSE = """
def main(tf, np, lines):
    found = {}
    for name, line in lines.items():
        with tf.Graph().as_default(), tf.Session() as session:
            v = tf.get_variable("v", initializer=[1.0, 2.0])
            names = {"tf": tf, "v": v, "session": session, "saver": tf.train.Saver(), "lib": lib}
            try:
                exec(line, names)
                found[name] = ""
            except Exception as error:
                found[name] = type(error).__name__
    return found
"""


def test_the_same_refusals(tf215: Oracle) -> None:
    lines = {name: textwrap.dedent(line) for name, line in REFUSED.items()}
    namespace: dict[str, Any] = {}
    exec(OUR_LIBRARY + REFUSE, namespace)
    ours = namespace["main"](tf1, np, lines=lines)
    theirs = tf215.execute(THEIR_LIBRARY + REFUSE, lines=lines)
    assert ours == theirs


# Graphs with savers of the first format, and what they are restored from.
OLD = {
    "partitioned": ("edge/part_v1/model.ckpt-5", ""),
    "sharded": ("edge/sharded_v1/model.ckpt", "-?????-of-00003"),
    "0.12": (
        "artifacts/tf15/tensorflow/contrib/session_bundle/testdata/half_plus_two/00000123/export",
        "-?????-of-00001",
    ),
    "before V2": (
        "artifacts/serving/tensorflow_serving/servables/tensorflow/testdata/bad_half_plus_two/"
        "00000123/export",
        None,
    ),
}
GO_ON = """
def main(tf, np, meta, restore_from, save_to):
    graph = tf.MetaGraphDef()
    with open(meta, "rb") as file:
        graph.ParseFromString(file.read())
    # TensorFlow 2.15 cannot parse the "0.12.head" of its own old files.
    graph.meta_info_def.ClearField("tensorflow_version")
    saver = tf.train.import_meta_graph(graph, clear_devices=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        if restore_from is not None:
            saver.restore(session, restore_from)
        values = session.run([v.op.outputs[0] if "VarHandle" not in v.op.type else v.value()
                              for v in sorted(tf.global_variables(), key=lambda v: v.name)])
        return values, saver.save(session, save_to)
"""


@pytest.mark.shared
@pytest.mark.parametrize("case", OLD)
def test_old_savers(oracle: Oracle, shared: Path, tmp_path: Path, case: str) -> None:
    """Each goes on from what the other has saved."""
    name, shards = OLD[case]
    prefix = str(shared / "data" / name)
    start = None if shards is None else prefix + shards
    namespace: dict[str, Any] = {}
    exec(GO_ON, namespace)

    def ours(restore_from: str | None, save_to: str) -> Any:
        with Graph().as_default():
            return namespace["main"](
                tf1, np, f"{prefix}.meta", restore_from, str(tmp_path / save_to)
            )

    def theirs(restore_from: str | None, save_to: str) -> Any:
        args = {"restore_from": restore_from, "save_to": str(tmp_path / save_to)}
        return oracle.execute(GO_ON, meta=f"{prefix}.meta", **args)

    values, saved = ours(start, "ours")
    their_values, their_saved = theirs(start, "theirs")
    same(values, their_values)
    same(ours(their_saved, "again")[0], values)
    same(theirs(saved, "again")[0], values)


def test_the_nodes_of_2015(oracle: Oracle, tmp_path: Path) -> None:
    """Save, SaveSlices, Restore and RestoreSlice: one graph, run by both."""
    with Graph().as_default() as graph:
        path, pattern = placeholder("string", (), "path"), placeholder("string", (), "pattern")
        whole = np.arange(12, dtype=np.float32).reshape(4, 3)
        text = np.array([b"a", b"", b"\xff"], object)
        checkpoint_io.Save(path, ["z", "b/w", "b"], [text, whole, np.int32(-7)], name="save")
        specs = ["4 3 2,2:-", "4 3 0,2:0,3", ""]
        values = [whole[2:], whole[:2], text]
        checkpoint_io.SaveSlices(path, ["w", "w", "a"], specs, values, name="slices")
        checkpoint_io.Restore(pattern, "b/w", dt="float32", name="restored")
        checkpoint_io.RestoreSlice(pattern, "w", "4 3 1,2:1,2", dt="float32", name="part")
    serialized = graph.as_graph_def().SerializeToString()
    for node, fetch in (("save", "restored:0"), ("slices", "part:0")):
        ours, theirs = str(tmp_path / f"our_{node}"), str(tmp_path / f"their_{node}")
        oracle.run_graph(serialized, {"path:0": theirs, "pattern:0": ""}, targets=[node])
        with tf1.Session(graph=graph) as session:
            session.run(node, {"path:0": ours})
            assert Path(ours).read_bytes() == Path(theirs).read_bytes()
            mine = session.run(fetch, {"pattern:0": theirs})
        (stock,) = oracle.run_graph(serialized, {"path:0": "", "pattern:0": ours}, [fetch])
        np.testing.assert_array_equal(mine, stock)
        np.testing.assert_array_equal(mine, whole if node == "save" else whole[1:3, 1:3])
