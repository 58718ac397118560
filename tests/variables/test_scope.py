"""Variable scopes: what is shared, what is refused, and which thread sees which scope."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.ops.array import identity, zeros
from evergraph.ops.constant import constant
from evergraph.runtime.session import Session
from evergraph.variables import initializers
from evergraph.variables.scope import (
    AUTO_REUSE,
    get_local_variable,
    get_variable,
    get_variable_scope,
    variable_scope,
)


@pytest.fixture(autouse=True)
def graph() -> Iterator[Graph]:
    with Graph().as_default() as graph:
        yield graph


def test_sharing() -> None:
    with variable_scope("a") as scope:
        v = get_variable("v", [1])
    with variable_scope("a", reuse=True):
        assert get_variable("v") is v
        with variable_scope("within"), pytest.raises(ValueError, match="a/within/w does not exist"):
            get_variable("w", [1])
    with variable_scope(scope, reuse=True):
        assert get_variable("v", [1]) is v
    with variable_scope(scope, reuse=AUTO_REUSE):
        assert get_variable("v", [1]) is v
        assert get_variable("new", [1]).name == "a/new:0"
    with variable_scope("a"):
        get_variable_scope().reuse_variables()
        assert get_variable("v") is v


def test_what_is_not_shared_says_where_it_was_made() -> None:
    get_variable("v", [1])
    with pytest.raises(ValueError, match=r"(?s)Variable v already exists, disallowed.*reuse=tf.AUTO_REUSE"
                       ".*Originally defined at:.*test_scope.py"):  # fmt: skip
        get_variable("v", [1])
    get_variable("r", [1], use_resource=True)
    with pytest.raises(ValueError, match="Variable r already exists, disallowed"):
        get_variable("r", [1])


def test_what_does_not_fit_is_not_shared() -> None:
    get_variable("v", [1])
    with variable_scope("", reuse=True):
        with pytest.raises(ValueError, match=r"specified shape \(2,\) and found shape \(1,\)"):
            get_variable("v", [2])
        with pytest.raises(ValueError, match="specified dtype int32 and found dtype float32_ref"):
            get_variable("v", [1], "int32")
        with pytest.raises(ValueError, match=r"was not created with tf.get_variable"):
            get_variable("w", [1])


def test_refusals() -> None:
    with pytest.raises(ValueError, match="`shape` argument must be specified"):
        get_variable("v")
    with pytest.raises(ValueError, match="If initializer is a constant, do not specify shape"):
        get_variable("v", [1], initializer=[1.0])
    with pytest.raises(ValueError, match="explicit dtype"):
        get_variable("v", dtype="int32", initializer=constant(1.0))
    with pytest.raises(ValueError, match="initializer passed is not valid"):
        get_variable("v", [None], initializer=initializers.zeros_initializer())
    with pytest.raises(
        ValueError, match=r"An initializer for variable v of .*complex64.* required"
    ):
        get_variable("v", [1], "complex64")
    with pytest.raises(ValueError, match="not callable"):
        get_variable("v", [1], custom_getter=3)
    with pytest.raises(TypeError, match="name_or_scope is required"):
        variable_scope(None)
    with pytest.raises(TypeError, match="must be a string or VariableScope"):
        variable_scope(3)
    with pytest.raises(ValueError, match="reuse parameter"):
        variable_scope("a", reuse="yes")
    with pytest.raises(ValueError, match="reuse=True cannot be used without"):
        variable_scope(None, "a", reuse=True)
    with pytest.raises(TypeError, match="auxiliary_name_scope"):
        variable_scope("a", auxiliary_name_scope=1)  # type: ignore[arg-type]
    assert get_default_graph().get_collection("variables") == []


def test_defaults_are_inherited_and_given_back() -> None:
    ones = initializers.ones_initializer()
    outside = get_variable_scope()
    with variable_scope("a", initializer=ones, dtype="float64", regularizer=abs) as a:
        with variable_scope("b", use_resource=True) as b:
            assert (b.initializer, b.dtype, b.regularizer) == (ones, "float64", abs)
            assert b.use_resource is True
            assert b.name == "a/b"
            assert b.original_name_scope == "a/b/"
        assert a.use_resource is None
        v = get_variable("v", [2])
        assert v.dtype.base_dtype.name == "float64"
    assert get_variable_scope() is outside
    with Session() as session:
        session.run(v.initializer)
        assert session.run(v).tolist() == [1, 1]


def test_an_error_within_gives_the_scope_back() -> None:
    with pytest.raises(RuntimeError), variable_scope("a"):
        raise RuntimeError
    assert get_variable_scope().name == ""
    assert get_default_graph().get_name_scope() == ""
    with pytest.raises(ValueError, match="scope name"), variable_scope("bad name"):
        pass
    assert get_default_graph().get_name_scope() == ""


def test_constraints_are_not_inherited_but_given() -> None:
    def project(x: Any) -> Any:
        return x

    with variable_scope("a", constraint=project):
        assert get_variable("v", [1]).constraint is project
        assert get_variable("w", [1], constraint=abs).constraint is abs


def test_regularizers_add_losses() -> None:
    with variable_scope("a", regularizer=lambda v: v * 0.5):
        v = get_variable("v", initializer=[2.0])
    (loss,) = get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES)
    assert loss.name.startswith("a/v/Regularizer/")
    total = identity(loss) + loss  # type: ignore[operator]
    with Session() as session:
        session.run(v.initializer)
        assert session.run(total).tolist() == [2]
        assert session.run(loss).tolist() == [1]
        assert loss.eval().tolist() == [1]


def test_local_variables() -> None:
    v = get_local_variable("v", [1], collections=["mine"])
    graph = get_default_graph()
    assert v in graph.get_collection(GraphKeys.LOCAL_VARIABLES)
    assert v in graph.get_collection("mine")
    assert v not in graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
    assert not v.trainable


def test_the_scopes_own_collections() -> None:
    with variable_scope("a") as a:
        v = get_variable("v", [1])
        w = get_variable("w", [1], trainable=False)
    get_variable("ab", [1])
    assert a.global_variables() == [v, w]
    assert a.trainable_variables() == [v]
    assert a.local_variables() == []


def test_each_graph_has_its_own_variables() -> None:
    v = get_variable("v", [1])
    with Graph().as_default():
        w = get_variable("v", [1])
        assert w is not v
    with variable_scope("x", values=[zeros([1])]):
        assert get_variable("v", [1]).graph is v.graph


def test_each_thread_has_its_own_scope() -> None:
    graph = get_default_graph()
    found: list[str] = []

    def other() -> None:
        with graph.as_default():
            found.append(get_variable_scope().name)
            with variable_scope("b"):
                found.append(get_variable("v", [1]).name)

    with variable_scope("a"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert get_variable_scope().name == "a"
    assert found == ["", "b/v:0"]


def test_initializers_of_every_form() -> None:
    def with_partition(shape: Any, dtype: Any, partition_info: Any) -> Any:
        assert partition_info is None
        return zeros(shape, dtype)

    found = [
        get_variable("a", [2], initializer=with_partition),
        get_variable("b", [2], initializer=lambda shape, dtype: zeros([*shape], dtype)),
        get_variable("c", [2], initializer=initializers.Zeros),
        get_variable("d", initializer=lambda: zeros([2])),
        get_variable("e", initializer=np.zeros(2, np.float32)),
        get_variable("f", [2], "int32"),
    ]
    with Session() as session:
        session.run([v.initializer for v in found])
        for value in session.run(found):
            assert value.tolist() == [0, 0]
