"""Saving all variables, restoring all or one of them, and the graph without values.

usage: evergraph run parts_of_a_model.py FOLDER
"""

import os
import sys

import tensorflow as tf

folder = sys.argv[1]
path = os.path.join(folder, "stock.ckpt")

# A shop's stock: what is on the shelves, and what is in the cellar.
shelves = tf.get_variable("shelves", initializer=tf.constant([12, 7, 30]))
cellar = tf.get_variable("cellar", initializer=tf.constant([100, 40, 0, 5]))
sell = shelves.assign_sub([2, 1, 4])
deliver = cellar.assign_add([0, 20, 60, 0])
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run([sell, deliver])
    session.run(sell)
    print("saved as", os.path.basename(tf.train.Saver().save(session, path)))
    tf.train.write_graph(session.graph_def, folder, "stock.pbtxt")
    tf.train.write_graph(session.graph_def, folder, "stock.pb", as_text=False)

# Everything, into a graph that was built anew.
tf.reset_default_graph()
shelves = tf.get_variable("shelves", [3], tf.int32)
cellar = tf.get_variable("cellar", [4], tf.int32)
with tf.Session() as session:
    tf.train.Saver().restore(session, path)
    print("shelves:", shelves.eval(), "cellar:", cellar.eval())

# One of them, under another name.
tf.reset_default_graph()
shelves = tf.get_variable("shelves", [3], tf.int32, initializer=tf.zeros_initializer)
basement = tf.get_variable("basement", [4], tf.int32)
with tf.Session() as session:
    shelves.initializer.run()
    tf.train.Saver({"cellar": basement}).restore(session, path)
    print("shelves:", shelves.eval(), "basement:", basement.eval())

# The bare graph, from either file: operations, no values.
for name in ("stock.pb", "stock.pbtxt"):
    tf.reset_default_graph()
    graph_def = tf.GraphDef()
    with tf.gfile.GFile(os.path.join(folder, name), "rb") as file:
        if name.endswith(".pb"):
            graph_def.ParseFromString(file.read())
        else:
            from google.protobuf import text_format

            text_format.Parse(file.read(), graph_def)
    tf.import_graph_def(graph_def, name="")
    print(name, "holds", len(tf.get_default_graph().get_operations()), "operations")
