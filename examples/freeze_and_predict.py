"""A checkpoint becomes one file that predicts: step by step, and in one call.

usage: evergraph run freeze_and_predict.py FOLDER
"""

import os
import sys

import tensorflow as tf
from tensorflow.python.framework import graph_util

import evergraph

folder = sys.argv[1]
path = os.path.join(folder, "rent.ckpt")
by_hand, by_call = os.path.join(folder, "by_hand.pb"), os.path.join(folder, "by_call.pb")

# The monthly rent of a flat: so much a square metre, so much for the address.
area = tf.placeholder(tf.float32, [None], name="area")
per_metre = tf.Variable(11.5, name="per_metre")
address = tf.Variable(140.0, name="address")
rent = tf.add(area * per_metre, address, name="rent")
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    tf.train.Saver().save(session, path)
    graph_def = tf.get_default_graph().as_graph_def()
    frozen = graph_util.convert_variables_to_constants(session, graph_def, ["rent"])
with tf.gfile.GFile(by_hand, "wb") as file:
    file.write(frozen.SerializeToString())
print(len(graph_def.node), "nodes became", len(frozen.node))

result = evergraph.freeze(path)
with tf.gfile.GFile(by_call, "wb") as file:
    file.write(result.graph_def.SerializeToString())
print(f"inputs {result.inputs}, outputs {result.outputs}")

with tf.Graph().as_default():
    graph_def = tf.GraphDef()
    with tf.gfile.GFile(by_hand, "rb") as file:
        graph_def.ParseFromString(file.read())
    (output,) = tf.import_graph_def(graph_def, return_elements=["rent:0"])
    with tf.Session() as session:
        print("by hand:", session.run(output, {"import/area:0": [50.0, 80.0]}))

with evergraph.load_model(by_call) as model:
    print("by call:", model(area=[50.0, 80.0])["rent"])
