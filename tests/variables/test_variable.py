"""Variables: what they are, where they go, what they refuse. Nodes and values are compared in tests/oracle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import evergraph.ops.operators  # noqa: F401 - Python's operators on Tensors
from evergraph.graph.collection_protos import get_from_proto_function, get_to_proto_function
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.ops.array import ones, placeholder, zeros
from evergraph.ops.cond import cond
from evergraph.runtime.session import Session
from evergraph.variables.distribution import VariableAggregation, VariableSynchronization
from evergraph.variables.ref_variable import RefVariable
from evergraph.variables.resource_variable import ResourceVariable, is_resource_variable
from evergraph.variables.scope import enable_resource_variables, resource_variables_enabled
from evergraph.variables.store import disable_resource_variables
from evergraph.variables.variable import Variable, variable_creator_scope

BOTH = pytest.mark.parametrize("use_resource", [False, True])


@pytest.fixture(autouse=True)
def graph() -> Iterator[Graph]:
    with Graph().as_default() as graph:
        yield graph


def keys_of(variable: Any) -> set[str]:
    graph = get_default_graph()
    return {key for key in graph.collections if variable in graph.get_collection(key)}


@BOTH
def test_what_a_variable_says_of_itself(use_resource: bool) -> None:
    v = Variable(np.zeros((2, 3), np.float32), name="v", use_resource=use_resource)
    assert isinstance(v, Variable)
    assert type(v) is (ResourceVariable if use_resource else RefVariable)
    assert is_resource_variable(v) is use_resource
    assert v.name == "v:0"
    assert v.op.name == "v"
    assert v.initializer.name == "v/Assign"
    assert v.shape.as_list() == v.get_shape().as_list() == [2, 3]
    assert v.dtype.base_dtype.name == "float32"
    assert v.dtype._is_ref_dtype is not use_resource
    assert v.graph is get_default_graph()
    assert v.trainable is True
    assert v.initial_value is not None
    suffix = "" if use_resource else "_ref"
    assert repr(v) == f"<tf.Variable 'v:0' shape=(2, 3) dtype=float32{suffix}>"
    assert keys_of(v) == {GraphKeys.GLOBAL_VARIABLES, GraphKeys.TRAINABLE_VARIABLES}


@BOTH
def test_collections(use_resource: bool) -> None:
    v = Variable(1.0, trainable=False, use_resource=use_resource)
    assert keys_of(v) == {GraphKeys.GLOBAL_VARIABLES}
    w = Variable(1.0, collections=["mine"], use_resource=use_resource)
    assert keys_of(w) == {"mine", GraphKeys.TRAINABLE_VARIABLES}
    x = Variable(1.0, synchronization=VariableSynchronization.ON_READ, use_resource=use_resource)
    assert x.trainable is False
    assert x.aggregation is VariableAggregation.NONE


@BOTH
def test_positional_arguments_are_those_of_tensorflow_1(use_resource: bool) -> None:
    v = Variable(
        [1, 2], False, ["mine"], True, None, "v", None, "float64", None, None, None, use_resource
    )
    assert (v.name, v.trainable, v.dtype.base_dtype.name) == ("v:0", False, "float64")
    assert type(v) is (ResourceVariable if use_resource else RefVariable)


@BOTH
def test_refusals(use_resource: bool) -> None:
    def make(*args: Any, **kwargs: Any) -> Any:
        return Variable(*args, use_resource=use_resource, **kwargs)

    with pytest.raises(ValueError, match="initial_value must be specified"):
        make()
    with pytest.raises(ValueError, match="must be a list, tuple, or set"):
        make(1.0, collections="mine")
    with pytest.raises(ValueError, match="must be a callable"):
        make(1.0, constraint=3)
    with pytest.raises(ValueError, match="synchronization mode: 9 for variable: v"):
        make(1.0, synchronization=9, name="v")
    with pytest.raises(ValueError, match="mutually exclusive"):
        make(1.0, variable_def=make(2.0).to_proto())
    if not use_resource:
        with pytest.raises(ValueError, match="must have a shape specified"):
            make(placeholder("float32"))
    flag = placeholder("bool", [])

    def inside() -> Any:
        return make(zeros([]) + 1.0) + 0.0  # type: ignore[operator]

    with pytest.raises(ValueError, match="from inside a control-flow construct"):
        cond(flag, inside, inside)


@BOTH
def test_an_initializer_that_is_a_function_may_be_made_inside_a_branch(use_resource: bool) -> None:
    flag = placeholder("bool", [])

    def inside() -> Any:
        return Variable(lambda: ones([]), use_resource=use_resource, name="v") + 0.0

    result = cond(flag, inside, inside)
    with Session() as session:
        session.run([v.initializer for v in get_default_graph().get_collection("variables")])
        assert session.run(result, {flag: True}) == 1


@BOTH
def test_operators(use_resource: bool) -> None:
    v = Variable([1.0, 2.0], use_resource=use_resource)
    results = [
        v + 1, 1 - v, v * v, v / 2.0, 2.0 ** v, -v, abs(v), v < 1.5, v[1], v[::-1],
        np.array([1.0, 1.0], np.float32) + v,
    ]  # fmt: skip
    with Session() as session:
        session.run(v.initializer)
        found = session.run(results)
    expected = [[2, 3], [0, -1], [1, 4], [0.5, 1], [2, 4], [-1, -2], [1, 2], [True, False], 2,
                [2, 1], [2, 3]]  # fmt: skip
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other)
    assert v == v  # noqa: PLR0124 - identity, as in TensorFlow 1
    assert (v == Variable([1.0, 2.0])) is False
    assert len({v, v}) == 1
    with pytest.raises(TypeError):
        iter(v)


def test_a_resource_variable_is_not_changed_by_python_operators() -> None:
    v: Any = Variable(1.0, use_resource=True)
    with pytest.raises(RuntimeError, match="assign_add"):
        v += 1
    with pytest.raises(TypeError):
        bool(v)


@BOTH
def test_load_and_eval(use_resource: bool) -> None:
    v = Variable([1.0, 2.0], use_resource=use_resource)
    count = len(get_default_graph().get_operations())
    with pytest.raises(ValueError, match="default session"):
        v.load([3.0, 4.0])
    with Session() as session:
        v.load([3.0, 4.0], session)
        assert v.eval().tolist() == [3, 4]
        v.load([5.0, 6.0])
        assert v.eval(session).tolist() == [5, 6]
    assert len(get_default_graph().get_operations()) == count


@BOTH
def test_protos_go_out_and_come_back(use_resource: bool) -> None:
    graph = get_default_graph()
    with graph.name_scope("scope"):
        v = Variable([1.0, 2.0], name="v", trainable=False, use_resource=use_resource)
    v._set_save_slice_info(Variable.SaveSliceInfo("whole", [4], [2], [2]))
    to_proto = get_to_proto_function(GraphKeys.GLOBAL_VARIABLES)
    from_proto = get_from_proto_function(GraphKeys.GLOBAL_VARIABLES)
    assert to_proto is not None
    assert from_proto is not None
    message = to_proto(v)
    back = from_proto(message)
    assert type(back) is type(v)
    assert back.op is v.op
    assert back.initializer is v.initializer
    assert back.initial_value is v.initial_value
    assert back.trainable is False
    assert back.dtype == v.dtype
    assert back.shape.as_list() == [2]
    assert back._get_save_slice_info().spec == "4 2,2"
    assert back.to_proto() == message

    assert v.to_proto(export_scope="other") is None
    assert v.to_proto(export_scope="scope").variable_name == "v:0"
    with Graph().as_default() as other:
        import_graph_def(graph.as_graph_def(), name="imported")
        again = Variable.from_proto(message, import_scope="imported")
        assert again.op is other.get_operation_by_name("imported/scope/v")
        with Session() as session:
            session.run(again.initializer)
            assert session.run(again + 1.0).tolist() == [2, 3]


@BOTH
def test_a_shape_that_is_open(use_resource: bool) -> None:
    v = Variable([1.0], validate_shape=False, shape=None, use_resource=use_resource)
    if not use_resource:
        assert v.shape.rank is None
        v.set_shape([None])
        assert v.shape.as_list() == [None]
        assert v.value().shape.as_list() == [None]


def test_resource_variables_by_default() -> None:
    assert not resource_variables_enabled()
    enable_resource_variables()
    try:
        assert is_resource_variable(Variable(1.0))
        assert not is_resource_variable(Variable(1.0, use_resource=False))
    finally:
        disable_resource_variables()
    assert not is_resource_variable(Variable(1.0))


def test_creators() -> None:
    made = []

    def rename(next_creator: Any, **kwargs: Any) -> Any:
        kwargs["name"] = f"renamed_{kwargs['name']}"
        made.append("inner")
        return next_creator(**kwargs)

    def resource(next_creator: Any, **kwargs: Any) -> Any:
        kwargs["use_resource"] = True
        made.append("outer")
        return next_creator(**kwargs)

    with variable_creator_scope(rename), variable_creator_scope(resource):
        v = Variable(1.0, name="v")
    assert v.name == "renamed_v:0"
    assert is_resource_variable(v)
    assert made == ["outer", "inner"]
    assert Variable(1.0, name="v").name == "v:0"


def test_scatter_methods_want_slices() -> None:
    v = Variable([1.0])
    with pytest.raises(TypeError, match="not IndexedSlices"):
        v.scatter_add([1.0])
