"""Savers through MetaGraphs: exported, imported under scopes, several in one graph, by TensorFlow and here."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.protos import GraphDef, MetaGraphDef
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle
from tests.oracle.nodes import differences

pytestmark = pytest.mark.oracle

# A program leaves MetaGraphDefs in `metas`, savers in `savers`, and anything else in `facts`.
RUN = """
def main(tf, np, program, restore_from):
    names = {"tf": tf, "np": np, "meta_graph": meta_graph, "metas": [], "savers": [], "facts": []}
    exec(program, names)
    graph = tf.get_default_graph()
    return (
        graph.as_graph_def().SerializeToString(),
        [meta.SerializeToString() for meta in names["metas"]],
        [None if saver is None or saver.saver_def is None
         else saver.saver_def.SerializeToString() for saver in names["savers"]],
        names["facts"],
    )
"""
THEIR_META_GRAPH = "from tensorflow.python.framework import meta_graph"
OUR_META_GRAPH = "from evergraph.train import meta_graph"

MODEL = """
with tf.device("/cpu:0"):
    w = tf.get_variable("w", initializer=[1.0, 2.0])
with tf.device("/cpu:1"), tf.variable_scope("inner"):
    b = tf.get_variable("b", initializer=[3, 4])
    c = tf.get_variable("c", initializer=1.5, use_resource=True)
"""
SAVERS = (
    MODEL
    + """
first = tf.train.Saver([w])
with tf.name_scope("inner/"):
    second = tf.train.Saver([b, c], sharded=True, max_to_keep=2)
third = tf.train.Saver(write_version=1, sharded=True)
last = tf.train.Saver({"other": w}, name="named")
for saver in (first, second, third, last):
    tf.add_to_collection(tf.GraphKeys.SAVERS, saver)
"""
)
PROGRAMS = {
    "each exported": SAVERS
    + "metas += [s.export_meta_graph() for s in (first, second, third, last)]",
    "without the others": SAVERS
    + """
        for saver in (first, second, third, last):
            metas.append(saver.export_meta_graph(clear_extraneous_savers=True))
    """,
    # Where there are savers in the collection, TensorFlow puts a new one into the graph that it exports.
    "without any": SAVERS
    + """
        tf.get_default_graph().clear_collection("savers")
        metas.append(tf.train.export_meta_graph(clear_extraneous_savers=True))
    """,
    "stripped": SAVERS + "metas.append(third.export_meta_graph(strip_default_attrs=True))",
    "without devices": SAVERS + "metas.append(second.export_meta_graph(clear_devices=True))",
    "of a scope": SAVERS
    + """
        metas.append(second.export_meta_graph(export_scope="inner"))
        metas.append(tf.train.export_meta_graph(export_scope="inner"))
        metas.append(second.export_meta_graph(export_scope="inner", clear_extraneous_savers=True))
    """,
    "some collections": SAVERS
    + "metas.append(first.export_meta_graph(collection_list=['savers']))",
    "protos in scopes": SAVERS
    + """
        for saver in (first, second, last):
            for scope in (None, "inner", "inn", "save", "named"):
                proto = saver.to_proto(export_scope=scope)
                facts.append(None if proto is None or scope == "inn" else str(proto))
    """,
    "imported": SAVERS
    + """
        meta = third.export_meta_graph()
        with tf.Graph().as_default():
            savers.append(tf.train.import_meta_graph(meta))
            savers += tf.get_collection("savers")
            # Here, a graph that has not changed goes out as it came: tests/oracle/test_carried_oracle.py.
            tf.constant(1.0, name="changed")
            metas.append(tf.train.export_meta_graph(saver_def=savers[0].saver_def))
    """,
    "imported under a scope": SAVERS
    + """
        meta = third.export_meta_graph()
        with tf.Graph().as_default():
            savers.append(tf.train.import_meta_graph(meta, import_scope="new"))
            savers += tf.get_collection("savers")
            metas.append(savers[0].export_meta_graph())
            metas.append(savers[0].export_meta_graph(export_scope="new"))
    """,
    "imported twice": SAVERS
    + """
        meta = second.export_meta_graph()
        with tf.Graph().as_default():
            for _ in range(2):
                # A copy: TensorFlow's savers write the scope into the message that they are given.
                copy = type(meta).FromString(meta.SerializeToString())
                savers.append(tf.train.import_meta_graph(copy, import_scope="new"))
            savers += tf.get_collection("savers")
    """,
    "imported beside": SAVERS
    + """
        savers.append(tf.train.import_meta_graph(first.export_meta_graph(), import_scope="copy"))
        savers += tf.get_collection("savers")
        savers.append(tf.train.Saver())
        metas.append(savers[-1].export_meta_graph())
    """,
    "imported without a saver": SAVERS
    + """
        tf.get_default_graph().clear_collection("savers")
        meta = tf.train.export_meta_graph(clear_extraneous_savers=True)
        with tf.Graph().as_default():
            savers.append(tf.train.import_meta_graph(meta, import_scope="new"))
            metas.append(savers[0].export_meta_graph())
        with tf.Graph().as_default():
            savers.append(tf.train.import_meta_graph(meta))
        with tf.Graph().as_default():
            tf.constant(1)
            savers.append(tf.train.import_meta_graph(tf.train.export_meta_graph(), import_scope="x"))
    """,
    "a scoped graph there and back": MODEL
    + """
        with tf.name_scope("inner/"):
            saver = tf.train.Saver([b, c], sharded=True)
        meta, variables = meta_graph.export_scoped_meta_graph(
            export_scope="inner", saver_def=saver.to_proto(export_scope="inner"))
        metas.append(meta)
        facts.append(sorted(name.split(":")[0] for name in variables))
        with tf.Graph().as_default():
            variables = meta_graph.import_scoped_meta_graph(meta, import_scope="other")
            facts.append(sorted(name.split(":")[0] for name in variables))
            proto = type(meta).FromString(meta.SerializeToString()).saver_def  # see above
            savers.append(tf.train.Saver.from_proto(proto, import_scope="other"))
            savers.append(tf.train.Saver(variables))
            metas.append(savers[0].export_meta_graph())
    """,
    "copied within a graph": MODEL
    + """
        saver = tf.train.Saver([w])
        variables = meta_graph.copy_scoped_meta_graph(from_scope="inner", to_scope="again")
        facts.append(sorted(name.split(":")[0] for name in variables))
        savers.append(tf.train.Saver())
    """,
    "devices taken off at import": SAVERS
    + """
        meta = second.export_meta_graph()
        with tf.Graph().as_default():
            savers.append(tf.train.import_meta_graph(meta, clear_devices=True))
            metas.append(savers[0].export_meta_graph())
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_messages(tf215: Oracle, name: str) -> None:
    model = SAVERS if PROGRAMS[name].startswith(SAVERS) else MODEL
    program = model + textwrap.dedent(PROGRAMS[name].removeprefix(model))
    args = {"program": program, "restore_from": ""}
    namespace: dict[str, Any] = {}
    exec(OUR_META_GRAPH + RUN, namespace)
    with Graph().as_default():
        ours = namespace["main"](tf1, np, **args)
    theirs = tf215.execute(THEIR_META_GRAPH + RUN, **args)
    assert differences(GraphDef.FromString(ours[0]), GraphDef.FromString(theirs[0])) == []
    for mine, stock in zip(ours[1], theirs[1], strict=True):
        compare(MetaGraphDef.FromString(mine), MetaGraphDef.FromString(stock))
    assert ours[2:] == theirs[2:]


def compare(ours: Any, theirs: Any) -> None:
    for node in (*ours.graph_def.node, *theirs.graph_def.node):
        # Exporting a scope, TensorFlow lists control inputs in the order in which they were added.
        node.input[:] = sorted(node.input, key=lambda text: text if text[0] == "^" else "")
    assert differences(ours.graph_def, theirs.graph_def) == []
    assert ours.HasField("saver_def") == theirs.HasField("saver_def")
    assert ours.saver_def == theirs.saver_def
    assert set(ours.collection_def) == set(theirs.collection_def)
    for key in theirs.collection_def:
        assert ours.collection_def[key] == theirs.collection_def[key], key
