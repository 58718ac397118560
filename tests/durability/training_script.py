"""A training script as people write them: it resumes from the newest checkpoint and saves every few steps.

    python training_script.py FOLDER [NUMBER]

With NUMBER, the process kills itself at its NUMBER-th call of the operating system that changes a file. It
prints how many such calls there were, and the weights that it ended with.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import evergraph.tf1 as tf

_CALLS = "open write fsync replace rename link remove unlink rmdir mkdir close".split()
_STEPS, _EVERY = 6, 2

folder = sys.argv[1]
deadly = int(sys.argv[2]) if len(sys.argv) > 2 else None
calls = itertools.count()


def counted(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        if next(calls) == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **named)

    return call


x = tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3) / 10)
w = tf.get_variable("w", [3, 1], initializer=tf.ones_initializer())
loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0))
step = tf.train.get_or_create_global_step()
train = tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
saver = tf.train.Saver(max_to_keep=2)
with tf.Session() as sess:
    newest = tf.train.latest_checkpoint(folder)
    if newest:
        saver.restore(sess, newest)
    else:
        sess.run(tf.global_variables_initializer())
    for name in _CALLS:
        setattr(os, name, counted(getattr(os, name)))
    while sess.run(step) < _STEPS:
        sess.run(train)
        if sess.run(step) % _EVERY == 0:
            saver.save(sess, os.path.join(folder, "model.ckpt"), global_step=step)
    print(next(calls), sess.run(w).tobytes().hex())
