"""Runs a TensorFlow 1 program under today's TensorFlow: ``python run_script.py PROGRAM ARGS...``.

``import tensorflow`` gives ``tensorflow.compat.v1``. The real package's inner modules stay where
they are, so that ``from tensorflow.python.framework import ...`` works as far as that TensorFlow
has the name.
"""

from __future__ import annotations

import os
import runpy
import sys

import tensorflow
from tensorflow.python.framework import graph_util

tf = tensorflow.compat.v1
tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)
for name in ("convert_variables_to_constants", "extract_sub_graph", "remove_training_nodes"):
    if not hasattr(graph_util, name):
        setattr(graph_util, name, getattr(tf.graph_util, name))
sys.modules["tensorflow"] = tf

program = sys.argv[1]
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(program)
runpy.run_path(program, run_name="__main__")
