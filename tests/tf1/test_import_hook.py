"""``import tensorflow`` means evergraph after register_as_tensorflow(), and only then."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def run_python(source: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def passes(source: str, cwd: Path | None = None) -> None:
    done = run_python(source, cwd)
    assert done.returncode == 0, done.stderr


REGISTERED = "from evergraph.tf1 import register_as_tensorflow; register_as_tensorflow()\n"

STATEMENTS = [
    "import tensorflow as tf; tf.Session",
    "import tensorflow.compat.v1 as tf; tf.Session; tf.disable_v2_behavior()",
    "from tensorflow.compat import v1 as tf; tf.Session",
    "import tensorflow; tensorflow.compat.v1.Session",
    "from tensorflow import gfile; gfile.GFile",
    "import tensorflow.nn; tensorflow.nn.relu",
    "from tensorflow.nn import relu",
    "from tensorflow.contrib import framework; framework.list_variables",
    "import tensorflow.contrib.framework as f; f.get_or_create_global_step",
    "import tensorflow.contrib.slim as slim; slim.arg_scope; slim.get_variables_to_restore",
    "from tensorflow.contrib import slim; slim.assign_from_checkpoint_fn",
    "from tensorflow.contrib.framework.python.ops import arg_scope; arg_scope([])",
    "from tensorflow.contrib.framework.python.ops.arg_scope import add_arg_scope; "
    "from tensorflow.contrib.framework.python.ops import arg_scope, variables; arg_scope([]); "
    "variables.get_variables_to_restore",
    "from tensorflow.contrib.framework.python.ops.variables import get_or_create_global_step",
    "from tensorflow.contrib.framework.python.framework import checkpoint_utils; "
    "checkpoint_utils.list_variables",
    "from tensorflow.contrib.slim.python.slim import model_analyzer; model_analyzer.analyze_vars",
    "from tensorflow.contrib.training.python.training import evaluation; "
    "evaluation.checkpoints_iterator",
    "from tensorflow.python.util import deprecation; "
    "deprecation._PRINT_DEPRECATION_WARNINGS = False",
    "from tensorflow.python.training import checkpoint_utils; checkpoint_utils.init_from_checkpoint",
    "from tensorflow.python.framework import graph_util; graph_util.convert_variables_to_constants",
    "from tensorflow.python.framework.graph_util import extract_sub_graph",
    "from tensorflow.python.framework import dtypes, ops, tensor_shape, tensor_util; "
    "dtypes.float32; ops.Graph; tensor_shape.TensorShape; tensor_util.MakeNdarray; ops.name_scope",
    "from tensorflow.python.framework import constant_op, errors; errors.NotFoundError; "
    "constant_op.constant",
    "from tensorflow.python.framework.ops import Tensor, convert_to_tensor",
    "from tensorflow.python.ops import array_ops, math_ops, variables; array_ops.reshape; "
    "math_ops.matmul; variables.Variable; math_ops.reduce_sum",
    "from tensorflow.python.ops import variable_scope as vs; vs.get_variable; vs.variable_scope",
    "from tensorflow.python.ops import control_flow_ops; control_flow_ops.with_dependencies; "
    "control_flow_ops.cond; control_flow_ops.while_loop",
    "from tensorflow.python.ops import init_ops; init_ops.Zeros; init_ops.constant_initializer",
    "from tensorflow.python.ops.rnn_cell_impl import __doc__",
    "from tensorflow.python.training import moving_averages, optimizer, saver; "
    "moving_averages.assign_moving_average; optimizer.Optimizer; saver.latest_checkpoint",
    "from tensorflow.python.training.saver import Saver",
    "from tensorflow.python.platform import gfile, flags, app, tf_logging as logging; "
    "gfile.FastGFile; flags.FLAGS; app.run; logging.info",
    "from tensorflow.python.client import device_lib; device_lib.list_local_devices()",
    "from tensorflow.python import pywrap_tensorflow; pywrap_tensorflow.NewCheckpointReader",
    "from tensorflow.python.tools.inspect_checkpoint import print_tensors_in_checkpoint_file",
    "from tensorflow.python.lib.io import file_io; file_io.FileIO; file_io.file_exists('/')",
    "from tensorflow.python.util import compat, nest; compat.as_bytes; nest.flatten",
    "from tensorflow.core.framework import graph_pb2; graph_pb2.GraphDef()",
    "from tensorflow.core.framework.graph_pb2 import GraphDef, NodeDef",
    "from tensorflow.core.framework import types_pb2; assert types_pb2.DT_FLOAT == 1",
    "from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saver_pb2; "
    "config_pb2.ConfigProto(); meta_graph_pb2.MetaGraphDef(); saver_pb2.SaverDef.V2",
    "from tensorflow.core.example import example_pb2; example_pb2.Example()",
]


def test_the_ways_in_which_programs_import() -> None:
    passes(REGISTERED + "\n".join(STATEMENTS))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_way_as_the_first(statement: str) -> None:
    passes(REGISTERED + statement)


def test_all_names_are_one_module() -> None:
    passes(
        REGISTERED
        + "import tensorflow, tensorflow.compat.v1, evergraph.tf1\n"
        + "assert tensorflow is evergraph.tf1 is tensorflow.compat.v1\n"
        + "import tensorflow.train\n"
        + "assert tensorflow.train is evergraph.tf1.train\n"
        + "assert evergraph.tf1.__spec__.name == 'evergraph.tf1'\n"
        + "assert evergraph.tf1.train.__spec__.name == 'evergraph.tf1.train'\n"
    )


def test_what_is_not_there_says_so() -> None:
    passes(
        REGISTERED
        + """
from tensorflow.python.framework import ops
try:
    ops.convert_to_tenser
except AttributeError as error:
    assert "tensorflow.python.framework.ops" in str(error), error
    assert "convert_to_tensor" in str(error), error
else:
    raise SystemExit("a name that is not there was found")
for missing in ("tensorflow.python.nothing", "tensorflow.nothing", "tensorflow.core.framework.no_pb2"):
    try:
        __import__(missing)
    except ModuleNotFoundError as error:
        assert missing in str(error), error
    else:
        raise SystemExit(f"{missing} was found")
try:
    from tensorflow.python.ops import nothing_ops
except ImportError as error:
    assert "nothing_ops" in str(error)
"""
    )


@pytest.fixture
def with_tensorflow(tmp_path: Path) -> Path:
    """A folder in which Python finds another package called tensorflow."""
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("who = 'installed'\n")
    (tmp_path / "tensorflow" / "other.py").write_text("")
    return tmp_path


def test_an_installed_tensorflow_is_left_alone(with_tensorflow: Path) -> None:
    passes(
        """
        import evergraph, evergraph.tf1, evergraph.tf1.import_hook
        import tensorflow, tensorflow.other
        assert tensorflow.who == "installed"
        evergraph.tf1.Session
        """,
        with_tensorflow,
    )


def test_registering_hides_it_and_unregistering_brings_it_back(with_tensorflow: Path) -> None:
    passes(
        REGISTERED
        + """
import tensorflow
assert tensorflow.__name__ == "evergraph.tf1"
from evergraph.tf1.import_hook import unregister
unregister()
import tensorflow
assert tensorflow.who == "installed"
""",
        with_tensorflow,
    )


def test_registering_too_late_is_an_error(with_tensorflow: Path) -> None:
    passes(
        """
        import tensorflow
        from evergraph.tf1 import register_as_tensorflow
        try:
            register_as_tensorflow()
        except RuntimeError as error:
            assert "already" in str(error)
        else:
            raise SystemExit("no error")
        assert tensorflow.who == "installed"
        """,
        with_tensorflow,
    )


def test_registering_twice_is_once() -> None:
    passes(
        REGISTERED * 2
        + "import sys\n"
        + "assert sum(type(f).__module__ == 'evergraph.tf1.import_hook' for f in sys.meta_path) == 1\n"
    )
