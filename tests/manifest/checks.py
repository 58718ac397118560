"""What evergraph makes of one real file: ``check(entry)`` gives its outcome, which the table lists.

* ``read``: opened, and everything in it is what TensorFlow says it is,
* ``run``: a graph that gave TensorFlow's recorded outputs (types, shapes, values); a MetaGraph with its
  checkpoint restored,
* ``refused``: a damaged file, with the class of the error,
* ``blocked``: not yet, with the ops that are not declared, or what else is missing,
* ``differs``: opened or run, and something is not what TensorFlow says.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import evergraph.ops  # noqa: F401 - declares the ops
from evergraph import errors
from evergraph.formats import checkpoint_state, dtypes
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.events import summary_iterator
from evergraph.formats.graph_file import read_graph_def, read_meta_graph, read_saved_model
from evergraph.formats.protos import GraphDef
from evergraph.graph import registry
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.runtime.session import Session
from evergraph.train import checkpoints
from evergraph.train.saver import import_meta_graph
from tests.manifest.entries import Entry, expected_output, feed

# Relative, and the same times the largest value expected: what a network of some depth in another
# order of summation may cost.
TOLERANCE = {"float16": 5e-3, "bfloat16": 2e-2, "float32": 2e-5, "complex64": 2e-5}
TIGHT = 1e-10


class Outcome(NamedTuple):
    """How far a file gets, and what holds it there."""

    state: str
    detail: str = ""


class Difference(Exception):
    """Something is not what TensorFlow says it is."""


def check(entry: Entry) -> Outcome:
    """The outcome of ``entry``."""
    try:
        return _CHECKS[entry.kind](entry)
    except Difference as difference:
        return Outcome("differs", str(difference))
    except Exception as error:
        text = f"{type(error).__name__}: {_first_line(error)}"
        return Outcome("blocked", text.replace(f"{entry.folder}/", "")[:200])


def _first_line(error: Exception) -> str:
    text = error.message if isinstance(error, errors.OpError) else str(error)
    return text.splitlines()[0] if text else ""


def _same(what: str, actual: Any, expected: Any) -> None:
    if actual != expected:
        raise Difference(f"{what}: {actual!r} instead of {expected!r}"[:200])


# ------------------------------------------------------------------------------------ checkpoints


def _digest(value: Any) -> str:
    if value.dtype == object:
        # TensorFlow hands out a single string as a NumPy string, which loses zeros at its end.
        items = value.ravel() if value.ndim else [value[()].rstrip(b"\0")]
        data = b"".join(len(item).to_bytes(8, "little") + item for item in items)
    else:
        data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes()
    return hashlib.sha256(data).hexdigest()


def _checkpoint(entry: Entry) -> Outcome:
    facts = entry.facts["tensors"]
    with open_checkpoint(entry.path) as checkpoint:
        _same("names", sorted(checkpoint), sorted(facts))
        for name, fact in facts.items():
            _same(f"dtype of {name}", checkpoint.dtype(name).name, fact["dtype"])
            _same(f"shape of {name}", list(checkpoint.shape(name)), fact["shape"])
            if "sha256" in fact:
                _same(f"bytes of {name}", _digest(checkpoint[name]), fact["sha256"])
    return Outcome("read")


def _state(entry: Entry) -> Outcome:
    data = entry.path.read_bytes()
    raw = checkpoint_state.parse(data, str(entry.path))
    facts = entry.facts
    _same("path", raw.model_checkpoint_path, facts["raw_model_checkpoint_path"])
    _same("all paths", list(raw.all_model_checkpoint_paths), facts["raw_all"])
    resolved = checkpoints.get_checkpoint_state(str(entry.path.parent), entry.path.name)
    folder = f"{entry.path.parent}/"
    _same("resolved", resolved.model_checkpoint_path.removeprefix(folder), facts["resolved"])
    paths = [path.removeprefix(folder) for path in resolved.all_model_checkpoint_paths]
    _same("all resolved", paths, facts["resolved_all"])
    return Outcome("read")


# ----------------------------------------------------------------------------------------- graphs


def _undeclared(graph: dict[str, Any]) -> list[str]:
    return sorted(op for op in graph["ops"] if registry.lookup(op) is None)


def _histogram(graph_def: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in graph_def.node:
        found[node.op] = found.get(node.op, 0) + 1
    return found


def _graph(entry: Entry) -> Outcome:
    graph_def = read_graph_def(str(entry.path))
    facts = entry.facts.get("graph")
    if facts is not None:
        _same("ops", _histogram(graph_def), facts["ops"])
    with Graph().as_default() as graph:
        try:
            import_graph_def(graph_def, name="")
        except ValueError as error:
            if "import_error" not in entry.facts:
                raise
            return Outcome("refused", type(error).__name__)
        if "run" not in entry.facts:
            return Outcome("read")
        if missing := _undeclared(facts):
            with Session(graph=graph) as session:
                return _partly(entry, session, missing)
        with Session(graph=graph) as session:
            return _run(entry, session, entry.facts["run"])


def _partly(entry: Entry, session: Any, missing: list[str]) -> Outcome:
    """A graph with ops that nobody has declared runs where its outputs do not need them."""
    try:
        return _run(entry, session, entry.facts["run"])
    except (errors.UnimplementedError, ValueError):
        return Outcome("blocked", f"op {', '.join(missing)}")


def _run(entry: Entry, session: Any, run: dict[str, Any]) -> Outcome:
    feeds = {name: feed(entry, fact) for name, fact in run["feeds"].items()}
    values = session.run([fact["name"] for fact in run["outputs"]], feeds)
    for fact, value in zip(run["outputs"], values, strict=True):
        _compare(entry, fact, value)
    return Outcome("run")


def _compare(entry: Entry, fact: dict[str, Any], value: Any) -> None:
    name, kind = fact["name"], dtypes.as_dtype(fact["dtype"])
    actual = np.asarray(value, object if kind == dtypes.string else None)
    _same(f"dtype of {name}", actual.dtype, np.dtype(kind.as_numpy_dtype))
    _same(f"shape of {name}", list(actual.shape), fact["shape"])
    if not fact["deterministic"]:
        return
    expected = expected_output(entry, fact)
    actual = actual.ravel()[:: fact["step"]]
    if actual.dtype.kind not in "fcV" and kind.name != "bfloat16":
        wrong = np.flatnonzero(actual != expected)
        if wrong.size:
            i = wrong[0]
            raise Difference(
                f"{name}: {wrong.size} values, the first {actual[i]!r} for {expected[i]!r}"
            )
        return
    wide = np.complex128 if actual.dtype.kind == "c" else np.float64
    actual, expected = actual.astype(wide), np.asarray(expected).astype(wide)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(finite.max()) if finite.size else 0.0
    through_narrow = "Cast" in entry.facts["graph"]["ops"]
    tolerance = TOLERANCE.get("float32" if through_narrow else kind.name, TIGHT)
    tolerance = max(tolerance, TOLERANCE.get(kind.name, TIGHT))
    close = np.isclose(actual, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    if not close.all():
        i = int(np.flatnonzero(~close)[0])
        raise Difference(
            f"{name}: {int((~close).sum())} of {close.size} values, the first "
            f"{actual[i]:.6g} for {expected[i]:.6g}"
        )


def _meta(entry: Entry) -> Outcome:
    message = read_meta_graph(str(entry.path))
    facts = entry.facts
    if "graph" in facts:
        _same("ops", _histogram(message.graph_def), facts["graph"]["ops"])
    if "tf_version" in facts:
        _same("TensorFlow", message.meta_info_def.tensorflow_version, facts["tf_version"])
    if "collections" in facts:
        counts = {key: _count(value) for key, value in message.collection_def.items()}
        _same(
            "collections", counts, {key: value["n"] for key, value in facts["collections"].items()}
        )
    with Graph().as_default() as graph:
        saver = import_meta_graph(message)
        if "run" not in facts:
            return Outcome("read")
        missing = _undeclared(facts["graph"])
        with Session(graph=graph) as session:
            if facts["restored"]:
                assert saver is not None
                saver.restore(session, str(entry.checkpoint))
            outcome = (
                _partly(entry, session, missing) if missing else _run(entry, session, facts["run"])
            )
            if "train" in facts and outcome.state == "run":
                _train(entry, session, facts["train"])
            return outcome


def _count(collection: Any) -> int:
    kind = collection.WhichOneof("kind")
    return len(getattr(collection, kind).value) if kind else 0


def _train(entry: Entry, session: Any, train: dict[str, Any]) -> None:
    """Steps of training, with the sums of what is fetched before each."""
    feeds = {name: feed(entry, fact) for name, fact in train["feeds"].items()}
    step = session.graph.get_operation_by_name(train["op"])
    for number, sums in enumerate(train["sums_before_each_step"]):
        values = session.run(train["fetch"], feeds)
        for name, value, expected in zip(train["fetch"], values, sums, strict=True):
            actual = float(np.sum(value, dtype=np.float64))
            if not math.isclose(actual, expected, rel_tol=1e-4):
                raise Difference(f"{name} before step {number}: {actual:.6g} for {expected:.6g}")
        session.run(step, feeds)


def _saved_model(entry: Entry) -> Outcome:
    model = read_saved_model(str(entry.path))
    for meta, facts in zip(model.meta_graphs, entry.facts["meta_graphs"], strict=True):
        _same("tags", list(meta.meta_info_def.tags), facts["tags"])
        _same("ops", _histogram(meta.graph_def), facts["graph"]["ops"])
        _same("signatures", sorted(meta.signature_def), sorted(facts["signature_defs"]))
    return Outcome("read")


# ----------------------------------------------------------------------------------------- events


def _events(entry: Entry) -> Outcome:
    """Every event up to where TensorFlow gives up as well."""
    events: list[Any] = []
    refused = ""
    try:
        for event in summary_iterator(entry.path):
            events.append(event)
    except errors.OpError as error:
        refused = type(error).__name__
    facts = entry.facts
    _same("error", refused, (facts["error"] or "").partition(":")[0])
    _same("events", len(events), facts["events"])
    _same("kinds", Counter(event.WhichOneof("what") for event in events), facts["kinds"])
    _same("steps", [events[0].step, events[-1].step], [facts["first_step"], facts["last_step"]])
    values = [value for event in events for value in event.summary.value]
    _same("tags", Counter(value.tag for value in values), facts["tags"])
    sums: dict[str, float] = {}
    for value in values:
        sums[value.tag] = sums.get(value.tag, 0.0) + value.simple_value
    found = {tag: round(total, 6) for tag, total in sums.items()}
    _same("sums", found, facts["simple_value_sums"])
    graphs = [event.graph_def for event in events if event.WhichOneof("what") == "graph_def"]
    nodes = [len(GraphDef.FromString(graph).node) for graph in graphs]
    _same("nodes", nodes, [facts["graph_nodes"]])
    return Outcome("refused", refused) if refused else Outcome("read")


# ---------------------------------------------------------------------------------- damaged files


def _corrupt_checkpoint(entry: Entry) -> Outcome:
    """What TensorFlow reads is read, what it refuses is refused, tensor by tensor."""
    try:
        checkpoint = open_checkpoint(entry.path)
    except errors.OpError as error:
        # What TensorFlow opens and then reads nothing of may as well not open.
        if any("sha256" in fact for fact in entry.facts.get("reads", {}).values()):
            raise Difference(f"not opened: {type(error).__name__}") from None
        return Outcome("refused", type(error).__name__)
    refused = []
    with checkpoint:
        if entry.facts.get("open_error"):
            raise Difference(f"opened, where TensorFlow says {entry.facts['open_error'][:80]}")
        for name in checkpoint:
            fact = entry.facts.get("reads", {}).get(name, {})
            try:
                value = checkpoint[name]
            except errors.OpError as error:
                if "sha256" in fact:
                    raise Difference(f"{name} not read: {type(error).__name__}") from None
                refused.append(f"{name}: {type(error).__name__}")
            else:
                if "error" in fact:
                    raise Difference(f"{name} read, where TensorFlow says {fact['error'][:80]}")
                if "sha256" in fact:
                    _same(f"bytes of {name}", _digest(value), fact["sha256"])
    return Outcome("refused", ", ".join(refused)) if refused else Outcome("read")


def _refusal(entry: Entry, read: Callable[[], Any]) -> Outcome:
    try:
        read()
    except (errors.OpError, ValueError) as error:
        return Outcome("refused", type(error).__name__)
    return Outcome("read")


def _corrupt_graph(entry: Entry) -> Outcome:
    def read() -> None:
        graph_def = read_graph_def(str(entry.path))
        with Graph().as_default() as graph:
            import_graph_def(graph_def, name="")
            if entry.facts["stage"] == "run":
                with Session(graph=graph) as session:
                    last = [op.outputs[0] for op in graph.get_operations() if op.outputs][-1]
                    session.run(last, {"x:0": np.zeros((1, 8), np.float32)})

    return _refusal(entry, read)


def _corrupt_meta(entry: Entry) -> Outcome:
    return _refusal(entry, lambda: read_meta_graph(str(entry.path)))


def _corrupt_state(entry: Entry) -> Outcome:
    # TensorFlow warns and gives None where it cannot read the file.
    found: list[Any] = []
    outcome = _refusal(
        entry, lambda: found.append(checkpoints.get_checkpoint_state(str(entry.path.parent)))
    )
    return Outcome("refused", "None") if found == [None] else outcome


_CHECKS: dict[str, Callable[[Entry], Outcome]] = {
    "ckpt_v2": _checkpoint,
    "ckpt_v1": _checkpoint,
    "state": _state,
    "graphdef": _graph,
    "graphdef_text": _graph,
    "meta": _meta,
    "saved_model": _saved_model,
    "events": _events,
    "corrupt_ckpt": _corrupt_checkpoint,
    "corrupt_graph": _corrupt_graph,
    "corrupt_meta": _corrupt_meta,
    "corrupt_state": _corrupt_state,
}
