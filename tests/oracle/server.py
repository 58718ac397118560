"""Stock TensorFlow behind a pipe. Runs inside an environment of its own, started by ``client.py``.

One process serves many commands, each in a fresh Graph and with fresh sessions, TensorFlow 1
behaviour throughout, one thread, oneDNN off (the client sets the environment), and no graph
optimizer: what is compared is the kernels.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import numpy as np
import tensorflow
import wire

tf = tensorflow.compat.v1
tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)


def session_config(optimize: bool = False) -> Any:
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.device_count["GPU"] = 0
    if not optimize:
        config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
        config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


# -------------------------------------------------------------------------------------- commands


def versions() -> dict[str, Any]:
    return {
        "tensorflow": tensorflow.__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
        "graph_def_producer": tf.GRAPH_DEF_VERSION,
        "graph_def_min_consumer": tf.GRAPH_DEF_VERSION_MIN_CONSUMER,
    }


def op_defs(names: list[str] | None = None) -> dict[str, bytes]:
    """Serialized OpDefs by name, without documentation; all of them, or those named."""
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    data = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    found = {op.name: op for op in op_def_pb2.OpList.FromString(data).op}
    if names is not None:
        found = {name: found[name] for name in names}
    for op in found.values():
        for part in (op, *op.input_arg, *op.output_arg, *op.attr):
            for field in ("summary", "description"):
                if field in part.DESCRIPTOR.fields_by_name:
                    part.ClearField(field)
    return {name: op.SerializeToString(deterministic=True) for name, op in found.items()}


def run_session(graph_def: bytes, runs: list[dict[str, Any]], optimize: bool = False) -> list[Any]:
    """Each of ``runs`` (feeds, fetches, targets) in turn, in one session; values by run."""
    results = []
    with imported(graph_def), tf.Session(config=session_config(optimize)) as session:
        for run in runs:
            fetches = [tensor(name) for name in run.get("fetches", ())]
            targets = [operation(name) for name in run.get("targets", ())]
            feeds = fed(run.get("feeds", {}))
            values = session.run([fetches, targets], feeds)[0]
            results.append([np.asarray(value) for value in values])
    return results


def static_shapes(graph_def: bytes, names: list[str]) -> dict[str, Any]:
    """By tensor: element type and static shape (None: unknown rank, -1: unknown size)."""
    with imported(graph_def):
        found = {}
        for name in names:
            one = tensor(name)
            dims = None if one.shape.rank is None else one.shape.as_list()
            found[name] = (
                one.dtype.name,
                None if dims is None else [-1 if dim is None else dim for dim in dims],
            )
        return found


def gradients(
    graph_def: bytes,
    ys: list[str],
    xs: list[str],
    feeds: dict[str, Any],
    grad_ys: list[str] | None = None,
    init: list[str] | None = None,
) -> list[Any]:
    """The values of TensorFlow's own gradients; None where it says that there is none."""
    with imported(graph_def), tf.Session(config=session_config()) as session:
        seeds = None if grad_ys is None else [tensor(name) for name in grad_ys]
        found = tf.gradients([tensor(y) for y in ys], [tensor(x) for x in xs], grad_ys=seeds)
        dense = [None if grad is None else tf.convert_to_tensor(grad) for grad in found]
        values = fed(feeds)
        if init:
            session.run([operation(name) for name in init], values)
        results = iter(session.run([grad for grad in dense if grad is not None], values))
        return [None if grad is None else np.asarray(next(results)) for grad in dense]


def execute(source: str, args: dict[str, Any]) -> Any:
    """Runs ``main(tf, np, **args)`` of a snippet, in a fresh Graph; returns what it returns."""
    namespace: dict[str, Any] = {"__name__": "oracle_snippet", "session_config": session_config}
    with tf.Graph().as_default():
        exec(compile(source, "<snippet>", "exec"), namespace)
        return namespace["main"](tf, np, **args)


COMMANDS = {
    "versions": versions,
    "op_defs": op_defs,
    "run_session": run_session,
    "static_shapes": static_shapes,
    "gradients": gradients,
    "execute": execute,
}

# ------------------------------------------------------------------------------------------ parts


def imported(graph_def: bytes) -> Any:
    """A context: a fresh default Graph with ``graph_def`` in it."""
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(tf.GraphDef.FromString(graph_def), name="")
    return graph.as_default()


def tensor(name: str) -> Any:
    name = name if ":" in name else f"{name}:0"
    return tf.get_default_graph().get_tensor_by_name(name)


def operation(name: str) -> Any:
    return tf.get_default_graph().get_operation_by_name(name)


def fed(feeds: dict[str, Any]) -> dict[Any, Any]:
    """Feeds by tensor. Quantized numbers arrive as the integers inside; records are wanted."""
    values = {}
    for name, value in feeds.items():
        one = tensor(name)
        if one.dtype.is_quantized:
            value = np.ascontiguousarray(value).view(one.dtype.as_numpy_dtype)
        values[one] = value
    return values


def error(problem: BaseException) -> dict[str, Any]:
    classes = [cls.__name__ for cls in type(problem).__mro__]
    return {
        "type": classes[0],
        "bases": classes[1:],
        "message": getattr(problem, "message", None) or str(problem),
        "traceback": "".join(traceback.format_exception(problem)),
    }


def serve() -> None:
    # What TensorFlow or a snippet prints must not land between two frames.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    wire.send(replies, wire.dumps(versions()))
    # The first session of a process sets the number of threads for all: some draws depend on it.
    with tf.Graph().as_default():
        tf.Session(config=session_config()).close()
    while True:
        try:
            name, args = wire.receive(requests)
        except EOFError:
            return
        try:
            frame = wire.dumps({"value": COMMANDS[name](**args)})
        except Exception as problem:
            frame = wire.dumps({"error": error(problem)})
        wire.send(replies, frame)


if __name__ == "__main__":
    serve()
