"""Writes object-based checkpoints with TensorFlow 2: ``python tf2_checkpoints.py FOLDER``, in the oracle's environment.

Beside each checkpoint ``NAME-1`` lies ``NAME.json``: by path through the objects, the value as nested lists; under
``full_names`` the variables' own names by path; under ``nodes`` what TensorFlow says of the object graph.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

FOLDER = sys.argv[1]
KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"


def write(name: str, root: Any, paths: Mapping[str, Any]) -> None:
    """Saves ``root``, and what is to be found at ``paths`` (path -> variable)."""
    prefix = root.save(os.path.join(FOLDER, name))
    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
        tf.train.load_checkpoint(prefix).get_tensor(KEY)
    )
    facts = {
        "prefix": prefix,
        "values": {path: np.asarray(variable).tolist() for path, variable in paths.items()},
        "nodes": [
            {
                "children": {child.local_name: child.node_id for child in node.children},
                "attributes": [[a.name, a.full_name, a.checkpoint_key] for a in node.attributes],
                "slots": [
                    [s.original_variable_node_id, s.slot_name, s.slot_variable_node_id]
                    for s in node.slot_variables
                ],
                "saver": [node.registered_saver.name, node.registered_saver.object_name],
            }
            for node in graph.nodes
        ],
    }
    with open(os.path.join(FOLDER, f"{name}.json"), "w") as file:
        json.dump(facts, file)


def modules() -> None:
    """Modules in lists and dicts, one of them twice, one that refers back, names with marks of their own."""

    class Layer(tf.Module):
        def __init__(self, size: int, name: str) -> None:
            super().__init__(name=name)
            with self.name_scope:
                self.kernel = tf.Variable(np.random.rand(2, size), name="kernel", dtype=tf.float32)
                self.bias = tf.Variable(np.random.rand(size), name="bias")

    shared = Layer(3, "shared")
    root = tf.train.Checkpoint(
        layers=[Layer(1, "first"), shared],
        by_name={"a/b": Layer(2, "slash"), "c.d": Layer(4, "dot"), "again": shared},
        step=tf.Variable(7, dtype=tf.int64, name="step"),
        half=tf.Variable(np.arange(3), dtype=tf.bfloat16),
        text=tf.Variable(["a", "bc"]),
    )
    shared.owner = root
    write(
        "modules",
        root,
        {
            "layers/0/kernel": root.layers[0].kernel,
            "layers/1/bias": shared.bias,
            "by_name/again/bias": shared.bias,
            "layers/1/owner/layers/1/owner/step": root.step,
            "by_name/a.Sb/kernel": root.by_name["a/b"].kernel,
            "by_name/c.d/kernel": root.by_name["c.d"].kernel,
            "by_name/c..d/kernel": root.by_name["c.d"].kernel,
            "step": root.step,
            "first/kernel": root.layers[0].kernel,
            "save_counter": tf.constant(1),
        },
    )


def keras(name: str, optimizer: Any) -> None:
    """A model after a step of training, with its optimizer."""
    inputs = tf.keras.Input((4,))
    hidden = tf.keras.layers.Dense(3, name="hidden")
    norm = tf.keras.layers.BatchNormalization(name="norm")
    last = tf.keras.layers.Dense(2, name="last")
    model = tf.keras.Model(inputs, last(norm(hidden(inputs))))
    model.compile(optimizer, "mse")
    model.fit(np.random.rand(8, 4), np.random.rand(8, 2), verbose=0)
    root = tf.train.Checkpoint(
        model=model, optimizer=optimizer, hidden=hidden, norm=norm, last=last
    )
    legacy = hasattr(optimizer, "get_slot")
    kernel = "kernel" if tf.__version__ < "2.16" else "_kernel"
    paths = {
        f"hidden/{kernel}": hidden.kernel,
        "hidden/bias": hidden.bias,
        "norm/moving_mean": norm.moving_mean,
        f"last/{kernel}": last.kernel,
        "optimizer/iter" if legacy else "optimizer/_iterations": optimizer.iterations,
    }
    if legacy:
        paths[f"hidden/{kernel}/.OPTIMIZER_SLOT/optimizer/m"] = optimizer.get_slot(
            hidden.kernel, "m"
        )
    write(name, root, paths)


def table() -> None:
    """A table, whose tensors are no variables."""
    found = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1, name="words")
    found.insert(tf.constant(["a"]), tf.constant([5], tf.int64))
    write("table", tf.train.Checkpoint(table=found, v=tf.Variable(2.0, name="v")), {"v": 2.0})


np.random.seed(1)
modules()
keras("adam", tf.keras.optimizers.Adam())
if tf.__version__ < "2.16":
    keras("slots", tf.keras.optimizers.legacy.Adam())
table()
