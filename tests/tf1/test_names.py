"""Every name of evergraph.tf1 leads somewhere, and a name that does not exist says so."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import evergraph.contrib
import evergraph.tf1 as tf
from evergraph.tf1 import inner

LOGIC = {"lazy", "inner", "import_hook"}
NESTED = {"io_gfile"}  # tf.io.gfile
NAMESPACES = [
    "evergraph.tf1",
    *(f"evergraph.tf1.{m.name}" for m in pkgutil.iter_modules(tf.__path__) if m.name not in LOGIC),
    *(f"evergraph.contrib.{m.name}" for m in pkgutil.iter_modules(evergraph.contrib.__path__)),
]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_entry_resolves(namespace: str) -> None:
    module = importlib.import_module(namespace)
    names = getattr(module, "__all__", dir(module))
    assert names
    for name in names:
        assert hasattr(module, name), f"{namespace}.{name}"


@pytest.mark.parametrize("path", sorted(inner._MODULES))
def test_every_entry_of_inner_modules_resolves(path: str) -> None:
    from evergraph.tf1.lazy import parse, resolve

    for name, target in parse(inner.table(path)).items():
        resolve(target)
        assert name


def test_namespaces_are_listed_in_tf() -> None:
    own = {name.rpartition(".")[2] for name in NAMESPACES[1:] if ".tf1." in name}
    assert own - NESTED <= set(dir(tf))


def test_a_name_is_the_thing_itself() -> None:
    from evergraph.ops.reductions import reduce_mean
    from evergraph.train.saver import Saver

    assert tf.reduce_mean is reduce_mean
    assert tf.train.Saver is Saver
    assert tf.math.reduce_mean is tf.reduce_mean


@pytest.mark.parametrize(
    ("old", "new"),
    [("mul", "multiply"), ("sub", "subtract"), ("neg", "negative"), ("select", "where")],
)
def test_spellings_of_2016(old: str, new: str) -> None:
    assert getattr(tf, old) is getattr(tf, new)


def test_star_import_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from evergraph.tf1.gfile import *", names)
    assert {"GFile", "Exists", "MakeDirs"} <= set(names)


def test_a_missing_name_says_so_with_the_nearest() -> None:
    with pytest.raises(
        AttributeError, match=r"'tf' has no attribute 'reduce_maen'.*tf\.reduce_mean"
    ):
        tf.reduce_maen  # noqa: B018
    with pytest.raises(AttributeError, match=r"'tf\.train'.*tf\.train\.AdamOptimizer"):
        tf.train.AdamOptimiser  # noqa: B018
    with pytest.raises(AttributeError, match=r"tf\.contrib.*'framewrok'.*'framework'"):
        evergraph.contrib.framewrok  # noqa: B018


def test_the_version_can_be_parsed() -> None:
    assert [int(part) for part in tf.__version__.split(".")] >= [1, 15, 0]
    assert tf.__version__ == tf.VERSION


def test_nothing_is_loaded_before_it_is_used() -> None:
    source = (
        "import sys, evergraph.tf1 as tf\n"
        "assert 'evergraph.graph' not in sys.modules and 'google.protobuf' not in sys.modules\n"
        "tf.gfile.Exists('/')\n"
        "assert 'evergraph.graph' not in sys.modules and 'google.protobuf' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


def test_modes_of_tensorflow_2() -> None:
    assert tf.executing_eagerly() is False
    tf.disable_v2_behavior()
    tf.disable_eager_execution()
    assert tf.test.is_gpu_available() is False
    with pytest.raises(tf.errors.UnimplementedError, match="no eager execution"):
        tf.enable_eager_execution()


def test_collections_of_the_default_graph() -> None:
    with tf.Graph().as_default():
        tf.add_to_collection("mine", 1)
        tf.add_to_collections(["mine", "yours"], 2)
        assert tf.get_collection("mine") == [1, 2]
        tf.get_collection_ref("yours").append(3)
        assert tf.get_collection("yours") == [2, 3]


def test_gradients_that_a_program_brings() -> None:
    @tf.RegisterGradient("TenTimesForTests")
    def ten_times(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
        return grad * 10.0

    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.constant(3.0)
        with graph.gradient_override_map({"Square": "TenTimesForTests"}):
            y = tf.square(x)
        assert session.run(tf.gradients(y, x)) == [10.0]
    with pytest.raises(TypeError):
        tf.RegisterGradient(tf.square)
    with pytest.raises(KeyError):
        tf.NotDifferentiable("TenTimesForTests")
