"""The volume of a cherry tree from its girth: train, keep checkpoints, go on, read them back.

usage: evergraph run train_and_resume.py FOLDER
"""

import os
import sys

import tensorflow as tf

# Girth (inches) and volume (cubic feet) of felled black cherry trees; Ryan, Joiner and Ryan, 1976.
GIRTH = [8.3, 8.8, 10.5, 11.0, 11.2, 11.4, 12.0, 13.3, 14.0, 15.0, 16.3, 17.9, 18.0, 20.6]
VOLUME = [10.3, 10.2, 16.4, 15.6, 19.9, 21.0, 19.1, 27.4, 34.5, 19.1, 42.6, 58.3, 51.5, 77.0]

folder = sys.argv[1]
path = os.path.join(folder, "trees")


def build():
    """Volume as a multiple of girth squared, and something besides."""
    girth = tf.placeholder(tf.float32, [None], name="girth")
    volume = tf.placeholder(tf.float32, [None], name="volume")
    factor = tf.Variable(0.0, name="factor")
    rest = tf.Variable(0.0, name="rest")
    predicted = tf.add(factor * tf.square(girth / 10.0), rest, name="predicted")
    loss = tf.reduce_mean(tf.square(predicted - volume), name="loss")
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(0.5).minimize(loss, global_step=step)
    return girth, volume, loss, step, train


def train(steps):
    """Trains until ``steps``, from the newest checkpoint on if there is one."""
    tf.reset_default_graph()
    girth, volume, loss, step, update = build()
    saver = tf.train.Saver(max_to_keep=3)
    with tf.Session() as session:
        newest = tf.train.latest_checkpoint(folder)
        if newest:
            saver.restore(session, newest)
            print("going on from", os.path.basename(newest))
        else:
            session.run(tf.global_variables_initializer())
        feeds = {girth: GIRTH, volume: VOLUME}
        while session.run(step) < steps:
            session.run(update, feeds)
            now = session.run(step)
            if now % 100 == 0:
                saver.save(session, path, global_step=now)
        print("step {}: loss {:.2f}".format(*session.run([step, loss], feeds)))


def read_back():
    """No model code: the graph comes from the .meta file, the values from the checkpoint."""
    tf.reset_default_graph()
    newest = tf.train.latest_checkpoint(folder)
    saver = tf.train.import_meta_graph(newest + ".meta")
    with tf.Session() as session:
        saver.restore(session, newest)
        predicted = session.run("predicted:0", {"girth:0": [13.0]})
        print(f"a girth of 13 inches: {predicted[0]:.1f} cubic feet")


train(200)
train(500)
state = tf.train.get_checkpoint_state(folder)
print("kept:", [os.path.basename(each) for each in state.all_model_checkpoint_paths])
read_back()
