"""evergraph's side of the op table: builds the graph of a case, runs it, compares.

The recorder beside this file is TensorFlow's side: same graphs, same names, same modes (its head
says what they are). What a check returns is a list of differences, each one line; empty is good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf import text_format

import evergraph.ops  # noqa: F401 - declares the ops
from evergraph.formats import dtypes
from evergraph.formats.protos import GraphDef, NameAttrList
from evergraph.graph import registry
from evergraph.graph.default_graph import default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.graph.tensor import Tensor
from evergraph.ops.constant import constant
from evergraph.ops.gradients import gradients
from evergraph.runtime.session import Session
from tests.ops.chains import Chain
from tests.ops.recorder import MODES

# Relative; the absolute tolerance is the same number times the largest finite value expected: a sum
# that cancels keeps the error of its terms.
TOLERANCE = {
    "half": 2e-3,
    "bfloat16": 1.6e-2,
    "float": 2e-6,
    "double": 1e-13,
    "complex64": 4e-6,
    "complex128": 1e-12,
}
# A gradient in a narrow type is a chain of roundings, and the order of sums may differ.
GRADIENT_SLACK = 4.0


@dataclass
class Built:
    """The graph of a case."""

    graph: Graph
    node: Any
    feeds: dict[Tensor, np.ndarray] = field(default_factory=dict)
    setup: list[Any] = field(default_factory=list)
    cells: list[Tensor] = field(default_factory=list)


def build(case: Mapping[str, Any], mode: str = "known") -> Built:
    """The graph of a case, in evergraph."""
    graph = Graph()
    built = Built(graph, None)
    declaration = registry.lookup(case["op"])
    assert declaration is not None
    with default_graph(graph):
        inputs = []
        for number, given in enumerate(case["inputs"]):
            if isinstance(given, list):
                inputs.append(
                    [_input(built, e, f"in{number}_{i}", mode) for i, e in enumerate(given)]
                )
            else:
                inputs.append(_input(built, given, f"in{number}", mode))
        declaration(*inputs, name="op", **case["attrs"])
        built.node = graph.get_operation_by_name("op")
    return built


def _input(built: Built, entry: Mapping[str, Any], name: str, mode: str) -> Any:
    dtype = dtypes.from_op_type_name(entry["dtype"])
    value = entry["value"]
    if dtype.is_quantized:
        value = value.view(dtype.as_numpy_dtype)
    if entry["role"] == "const" and mode not in ("fed", "nothing"):
        return constant(value, dtype, name=name)
    if entry["role"] in ("feed", "const"):
        made = _op("Placeholder")(dtype=dtype, shape=_static_shape(value, mode), name=name)
        built.feeds[made] = value
        return made
    if entry["role"] == "ref":
        made = _op("VariableV2")(dtype=dtype, shape=value.shape, name=name)
        if entry["initialize"]:
            start = constant(value, dtype, name=f"{name}/value")
            built.setup.append(_op("Assign")(made, start, name=f"{name}/Assign"))
            built.cells.append(_op("Identity")(made, name=f"{name}/read"))
        return made
    made = _op("VarHandleOp")(dtype=dtype, shape=value.shape, shared_name=name, name=name)
    if entry["initialize"]:
        start = constant(value, dtype, name=f"{name}/value")
        built.setup.append(_op("AssignVariableOp")(made, start, name=f"{name}/Assign"))
        built.cells.append(_op("ReadVariableOp")(made, dtype=dtype, name=f"{name}/read"))
    return made


def _op(name: str) -> registry.Declaration:
    found = registry.lookup(name)
    assert found is not None, f"{name} is not declared"
    return found


def _static_shape(value: np.ndarray, mode: str) -> tuple[int | None, ...] | None:
    if mode in ("known", "fed"):
        return value.shape
    return (None,) * value.ndim if mode == "rank" else None


def readable(outputs: Any) -> list[Tensor]:
    """The outputs that are values, not handles."""
    return [o for o in outputs if o.dtype.base_dtype not in (dtypes.resource, dtypes.variant)]


def run(case: Mapping[str, Any], mode: str = "known") -> list[dict[str, list[np.ndarray]]]:
    """Runs the op as often as the case says; outputs, and what its variables hold afterwards."""
    built = build(case, mode)
    outputs = readable(built.node.outputs)
    runs = []
    with Session(graph=built.graph) as session:
        session.run(built.setup)
        for _ in range(case["runs"]):
            values = session.run([outputs, built.node], built.feeds)[0]
            runs.append({"outputs": values, "effects": session.run(built.cells)})
    return runs


@dataclass(frozen=True)
class Exported:
    """The graph of a case as TensorFlow may run it, everything by name."""

    graph_def: bytes
    feeds: dict[str, np.ndarray]
    setup: list[str]
    outputs: list[str]


def export(case: Mapping[str, Any]) -> Exported:
    """The graph of a case as a serialized GraphDef."""
    built = build(case)
    graph_def = built.graph.as_graph_def()
    if case["producer"]:
        graph_def.versions.producer = case["producer"]
    return Exported(
        graph_def.SerializeToString(deterministic=True),
        {tensor.name: _inside(value) for tensor, value in built.feeds.items()},
        [getattr(start, "op", start).name for start in built.setup],
        [output.name for output in readable(built.node.outputs)],
    )


def _inside(value: np.ndarray) -> np.ndarray:
    """Quantized numbers as the integers that they are."""
    return value[value.dtype.names[0]] if value.dtype.names else value


# ------------------------------------------------------------------------------------- the checks


def check_values(
    case: Mapping[str, Any],
    answer: Mapping[str, Any],
    tolerance: Mapping[str, float],
    flips: float = 0.0,
) -> Iterator[str]:
    """Values, types and shapes of outputs and variables, run by run."""
    try:
        found = run(case)
    except Exception as problem:
        yield f"{case['label']}: {type(problem).__name__}: {problem}"
        return
    for number, (ours, theirs) in enumerate(zip(found, answer["runs"], strict=True)):
        for kind in ("outputs", "effects"):
            if len(ours[kind]) != len(theirs[kind]):
                counts = f"{len(ours[kind])} {kind}, TensorFlow has {len(theirs[kind])}"
                yield f"{case['label']}: {counts}"
                continue
            for index, pair in enumerate(zip(ours[kind], theirs[kind], strict=True)):
                difference = compare(*pair, tolerance, flips)
                if difference:
                    run_number = f" in run {number}" if case["runs"] > 1 else ""
                    yield f"{case['label']}, {kind[:-1]} {index}{run_number}: {difference}"


def check_shapes(case: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """Static types and shapes of the outputs: the same as TensorFlow knows, in every mode."""
    for mode in MODES:
        if answer["shapes"][mode] is None:
            continue
        try:
            outputs = build(case, mode).node.outputs
        except Exception as problem:
            yield f"{case['label']}, {mode}: {type(problem).__name__}: {problem}"
            continue
        found = [
            [o.dtype.name, None if o.shape.dims is None else o.shape.as_list()] for o in outputs
        ]
        if found != answer["shapes"][mode]:
            yield f"{case['label']}, {mode}: {found}, TensorFlow has {answer['shapes'][mode]}"


def check_gradients(
    case: Mapping[str, Any], answer: Mapping[str, Any], tolerance: Mapping[str, float]
) -> Iterator[str]:
    """The numbers that `gradients()` gives for every floating input."""
    expected = answer["gradients"]
    if isinstance(expected, dict) and "fails" in expected:
        return
    try:
        found: Any = _gradients(case, answer["runs"][0]["outputs"])
    except LookupError:
        found = {"error": "LookupError"}
    except Exception as problem:
        yield f"{case['label']}: {type(problem).__name__}: {problem}"
        return
    if isinstance(expected, dict) or isinstance(found, dict):
        if expected != found:
            yield f"{case['label']}: {_brief(found)}, TensorFlow has {_brief(expected)}"
        return
    loose = {name: GRADIENT_SLACK * size for name, size in {**TOLERANCE, **tolerance}.items()}
    for index, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if (ours is None) != (theirs is None):
            yield f"{case['label']}, input {index}: {_brief(ours)}, TensorFlow has {_brief(theirs)}"
        elif ours is not None:
            difference = compare(ours, theirs, loose)
            if difference:
                yield f"{case['label']}, input {index}: {difference}"


def _gradients(case: Mapping[str, Any], outputs: list[np.ndarray]) -> list[np.ndarray | None]:
    built = build(case)
    xs = [x for x in built.node.inputs if x in built.feeds and _differentiable(x)]
    pairs = zip(readable(built.node.outputs), outputs, strict=True)
    differentiable = [(y, value) for y, value in pairs if _differentiable(y)]
    if not xs or not differentiable:
        return []
    with default_graph(built.graph):
        seeds = [
            _op("Placeholder")(dtype=y.dtype.base_dtype, shape=value.shape, name=f"seed{i}")
            for i, (y, value) in enumerate(differentiable)
        ]
        grads = gradients([y for y, _ in differentiable], xs, seeds)
        dense = [None if grad is None else _dense(grad) for grad in grads]
    feeds = {**built.feeds}
    for seed, (_, value) in zip(seeds, differentiable, strict=True):
        feeds[seed] = seed_of(value.shape, seed.dtype)
    with Session(graph=built.graph) as session:
        session.run(built.setup)
        results = iter(session.run([grad for grad in dense if grad is not None], feeds))
    return [None if grad is None else next(results) for grad in dense]


def seed_of(shape: tuple[int, ...], dtype: dtypes.DType) -> np.ndarray:
    """The incoming gradient: the recorder's fixed pattern."""
    pattern = (np.arange(int(np.prod(shape))) * 7 % 11 - 5.0) / 4
    return pattern.reshape(shape).astype(dtype.as_numpy_dtype)


def _dense(grad: Any) -> Tensor:
    from evergraph.graph.conversion import convert_to_tensor

    return convert_to_tensor(grad)


def _differentiable(tensor: Tensor) -> bool:
    return tensor.dtype.is_floating or tensor.dtype.is_complex


def check_refusal(case: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """Where TensorFlow refuses, evergraph does: in the same phase, with that class or below it."""
    for mode, (phase, wanted) in answer["error"].items():
        now, problem = _refusal(case, mode)
        classes = [cls.__name__ for cls in type(problem).__mro__]
        if now != phase or (wanted and wanted not in classes):
            yield (f"{case['label']}, {mode}: {now} {problem!r}, TensorFlow: {phase} {wanted}")


def _refusal(case: Mapping[str, Any], mode: str) -> tuple[str, Exception | None]:
    try:
        built = build(case, mode)
    except Exception as problem:
        return "build", problem
    try:
        with Session(graph=built.graph) as session:
            session.run(built.setup)
            session.run([readable(built.node.outputs), built.node], built.feeds)
    except Exception as problem:
        return "run", problem
    return "none", None


# ------------------------------------------------------------------------------------- comparison


def compare(
    ours: Any, theirs: np.ndarray, tolerance: Mapping[str, float], flips: float = 0.0
) -> str:
    """How two values differ, or nothing. Type and shape are exact; so are integers and strings.

    ``flips`` is the share of the elements that may differ.
    """
    ours = _inside(np.asarray(ours))
    if ours.dtype.kind in "SU":
        ours = ours.astype(object)
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return f"{ours.dtype}{list(ours.shape)}, TensorFlow has {theirs.dtype}{list(theirs.shape)}"
    if ours.dtype.kind in "fcV" and _is_float(ours.dtype):
        wrong = _far(ours, theirs, {**TOLERANCE, **tolerance})
    else:
        wrong = np.asarray(ours != theirs)
    if np.count_nonzero(wrong) <= flips * wrong.size:
        return ""
    where = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(wrong)))
    one, other = np.atleast_1d(ours)[where], np.atleast_1d(theirs)[where]
    count = f"{np.count_nonzero(wrong)} of {wrong.size} differ, first at {list(where)}"
    return f"{count}: {one!r}, TensorFlow has {other!r}"


def _is_float(dtype: np.dtype[Any]) -> bool:
    found = dtypes.as_dtype(dtype)
    return found.is_floating or found.is_complex


def _far(ours: np.ndarray, theirs: np.ndarray, tolerance: Mapping[str, float]) -> np.ndarray:
    """Where floats are further apart than the tolerance of their type."""
    relative = tolerance.get(dtypes.op_type_name(dtypes.as_dtype(ours.dtype)), 0.0)
    wide = np.complex128 if ours.dtype.kind == "c" else np.float64
    a, b = ours.astype(wide), theirs.astype(wide)
    finite = np.isfinite(b)
    # The end of a type's range stands for nothing (the maximum of no elements), and scales nothing.
    scale = np.abs(b[finite])
    largest = float(np.max(scale[scale < _middle(ours.dtype)], initial=0.0))
    with np.errstate(invalid="ignore"):
        close = np.abs(a - b) <= relative * np.abs(b) + relative * largest
        same = (a == b) | (np.isnan(a) & np.isnan(b))
    return ~np.where(finite, close, same)


def _middle(dtype: np.dtype[Any]) -> float:
    """The square root of the largest number of a type."""
    import ml_dtypes

    real = np.empty(0, dtype).real.dtype
    return float(np.sqrt(float(ml_dtypes.finfo(real).max)))


def _brief(value: Any) -> str:
    return "a gradient" if isinstance(value, (list, np.ndarray)) else repr(value)


# ---------------------------------------------------------------------------------------- chains


class ChainBuilder:
    """What the function of a chain builds with, here."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def op(self, op_type: str, *inputs: Any, **attrs: Any) -> Any:
        for name, attr in _op(op_type).attrs.items():
            if attr.kind == "func" and name in attrs:
                attrs[name] = NameAttrList(name=attrs[name])
            elif attr.kind == "list(func)" and name in attrs:
                attrs[name] = [NameAttrList(name=one) for one in attrs[name]]
        made = _op(op_type)(*inputs, **attrs)
        if not isinstance(made, (list, tuple)):
            return made
        outputs = [o for one in made for o in (one if isinstance(one, (list, tuple)) else [one])]
        return outputs[0] if len(outputs) == 1 else outputs

    def const(self, value: Any, dtype: str) -> Tensor:
        return constant(value, dtypes.as_dtype(dtype))

    def after(self, *made: Any) -> Any:
        return self._graph.control_dependencies(made)

    def gradients(self, ys: list[Tensor], xs: list[Tensor]) -> list[Tensor | None]:
        return gradients(ys, xs)

    def library(self, text: str) -> None:
        import_graph_def(text_format.Parse(text, GraphDef()), name="")


def build_chain(one: Chain, case: Mapping[str, Any]) -> tuple[Graph, list[Tensor]]:
    """The graph of a chain, and what is fetched from it."""
    graph = Graph()
    with default_graph(graph):
        return graph, one.function(ChainBuilder(graph), case["T"])


def check_chain(one: Chain, case: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """What is fetched, run by run."""
    try:
        graph, fetched = build_chain(one, case)
        with Session(graph=graph) as session:
            runs = [session.run(fetched) for _ in range(case["runs"])]
    except Exception as problem:
        yield f"{case['label']}: {type(problem).__name__}: {problem}"
        return
    for number, (ours, theirs) in enumerate(zip(runs, answer["runs"], strict=True)):
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            difference = compare(*pair, {})
            if difference:
                yield f"{case['label']}, output {index} in run {number}: {difference}"
