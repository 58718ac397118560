"""A checkpoint is what a session held. Restoring overwrites initial values, and the reverse.

usage: evergraph run session_state.py FOLDER
"""

import os
import sys

import numpy as np
import tensorflow as tf

path = os.path.join(sys.argv[1], "filters.ckpt")


def build():
    """Two convolutions over grey images of 28 x 28."""
    net = tf.placeholder(tf.float32, [None, 28, 28, 1], name="images")
    for name, channels in (("edges", 8), ("shapes", 16)):
        with tf.variable_scope(name):
            size = [5, 5, net.shape[-1], channels]
            kernel = tf.get_variable("kernel", size, initializer=tf.truncated_normal_initializer())
            net = tf.nn.relu(tf.nn.conv2d(net, kernel, strides=[1, 2, 2, 1], padding="SAME"))
    return net


def one_filter(session):
    return session.run("edges/kernel:0")[:, :, 0, 0]


def restored(then_initialize):
    tf.reset_default_graph()
    saver = tf.train.import_meta_graph(path + ".meta")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.restore(session, path)
        if then_initialize:
            session.run(tf.global_variables_initializer())
        return one_filter(session)


features = build()
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    saved = one_filter(session)
    tf.train.Saver().save(session, path)
    images = np.linspace(0, 1, 3 * 28 * 28).reshape(3, 28, 28, 1)
    print("features:", session.run(features, {"images:0": images}).shape)

print("restored after initializing:", "same" if np.all(restored(False) == saved) else "different")
print("initialized after restoring:", "same" if np.all(restored(True) == saved) else "different")
