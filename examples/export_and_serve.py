"""A trained model becomes a SavedModel with two signatures, and is called by their names.

usage: evergraph run export_and_serve.py FOLDER
"""

import os
import sys

import tensorflow as tf

import evergraph

folder = sys.argv[1]
version = os.path.join(folder, "rent", "1")

# The monthly rent of a flat, learned from three of them.
area = tf.placeholder(tf.float32, [None], name="area")
paid = tf.placeholder(tf.float32, [None], name="paid")
per_metre = tf.get_variable("per_metre", [], initializer=tf.ones_initializer())
rent = area * per_metre
train = tf.train.GradientDescentOptimizer(1e-4).minimize(tf.reduce_mean(tf.square(rent - paid)))
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(100):
        session.run(train, {area: [40.0, 50.0, 80.0], paid: [460.0, 575.0, 920.0]})
    builder = tf.saved_model.builder.SavedModelBuilder(version)
    signature = tf.saved_model.signature_def_utils.predict_signature_def
    builder.add_meta_graph_and_variables(
        session,
        [tf.saved_model.tag_constants.SERVING],
        {
            "serving_default": signature({"area": area}, {"rent": rent}),
            "yearly": signature({"area": area}, {"rent": rent * 12.0}),
        },
    )
    builder.save()

# As TensorFlow 1 loads it: the graph comes back, and names of its tensors.
with tf.Session(graph=tf.Graph()) as session:
    meta_graph = tf.saved_model.loader.load(session, ["serve"], version)
    ends = meta_graph.signature_def["serving_default"]
    found = session.run(ends.outputs["rent"].name, {ends.inputs["area"].name: [60.0]})
    print("in a session:", found.round(1))

# As a function, by the folder of its versions.
with evergraph.load_model(os.path.join(folder, "rent")) as model:
    print("as a function:", model(area=[60.0])["rent"].round(1))
    print("for a year:", model.signatures["yearly"](area=[60.0])["rent"].round(1))
