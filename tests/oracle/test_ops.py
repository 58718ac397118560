"""The op table against live TensorFlow: fresh inputs in every run, and every graph run by both.

``tests/ops/test_table.py`` compares with recordings; here the recordings themselves are checked,
fresh inputs are drawn (``EVERGRAPH_SEED`` repeats a run), and nodes and OpDefs are compared whole.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from evergraph.formats.protos import GraphDef, OpDef
from evergraph.graph import opdef, registry
from tests.ops import goldens, harness, table  # noqa: F401 - the table fills ROWS
from tests.ops.chains import CHAINS
from tests.ops.rows import ROWS, expand
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

SEED = int(os.environ.get("EVERGRAPH_SEED") or random.randrange(2**31))
OPS = sorted(ROWS)


def ask(oracle: Oracle, cases: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    source = goldens.RECORDER.read_text(encoding="utf-8")
    answers: list[dict[str, Any]] = oracle.execute(source, timeout=300, cases=cases, **options)
    return answers


def report(differences: Iterator[str]) -> None:
    found = list(differences)
    shown = "\n  ".join(line[:400] for line in found[:12])
    assert not found, f"{len(found)} differences (EVERGRAPH_SEED={SEED}):\n  {shown}"


@pytest.mark.parametrize("op", OPS)
def test_fresh_inputs(tf215: Oracle, op: str) -> None:
    cases = list(expand(ROWS[op], SEED))
    answers = ask(tf215, cases)

    def differences() -> Iterator[str]:
        tolerance = ROWS[op].tolerance
        for case, answer in zip(cases, answers, strict=True):
            if "runs" in answer:
                yield from harness.check_values(case, answer, tolerance, ROWS[op].flips)
            if "gradients" in answer:
                yield from harness.check_gradients(case, answer, tolerance)
            if "error" in answer:
                yield from harness.check_refusal(case, answer)

    report(differences())


@pytest.mark.parametrize("op", OPS)
def test_recordings_are_what_tensorflow_says(tf215: Oracle, op: str) -> None:
    cases = list(expand(ROWS[op]))
    live, recorded = ask(tf215, cases), goldens.read(op, cases)
    report(
        f"{case['label']}: {where}: {difference}"
        for case, one, other in zip(cases, live, recorded, strict=True)
        for where, difference in unlike(one, other)
    )


def unlike(one: Any, other: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Where two answers differ by more than rounding."""
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        for key in one:
            yield from unlike(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from unlike(left, right, f"{where}/{index}")
    elif hasattr(one, "dtype") and hasattr(other, "dtype"):
        difference = harness.compare(one, other, {})
        if difference:
            yield where, difference
    elif one != other:
        yield where, f"{one!r} now, {other!r} recorded"


@pytest.mark.parametrize("op", OPS)
def test_nodes_are_tensorflows(tf215: Oracle, op: str) -> None:
    every = [case for case in expand(ROWS[op]) if case["error"] is None]
    cases = [{**case, "gradient": False, "shapes": False} for case in every]
    answers = ask(tf215, cases, want_graph=True)

    def differences() -> Iterator[str]:
        for case, answer in zip(cases, answers, strict=True):
            if "graph_def" not in answer:
                continue
            ours = nodes(harness.export(case).graph_def)
            theirs = nodes(answer["graph_def"])
            if list(ours) != list(theirs):
                yield f"{case['label']}: nodes {list(ours)}, TensorFlow: {list(theirs)}"
            for name in set(ours) & set(theirs):
                if ours[name] != theirs[name]:
                    yield f"{case['label']}: {ours[name]}\n  TensorFlow: {theirs[name]}"

    report(differences())


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_chains(tf215: Oracle, name: str) -> None:
    cases = list(CHAINS[name].cases())
    live = ask(tf215, cases, want_graph=True)

    def differences() -> Iterator[str]:
        for case, answer in zip(cases, live, strict=True):
            yield from harness.check_chain(CHAINS[name], case, answer)
            graph, _ = harness.build_chain(CHAINS[name], case)
            ours = nodes(graph.as_graph_def().SerializeToString())
            theirs = nodes(answer["graph_def"])
            for node in theirs:
                if not node.startswith("gradients") and ours.get(node) != theirs[node]:
                    yield f"{case['label']}: {ours.get(node)}\n  TensorFlow: {theirs[node]}"

    report(differences())


def nodes(graph_def: bytes) -> dict[str, Any]:
    """Nodes by name. Tensors are compared as values elsewhere: their encoding is free.

    ``experimental_type``, which 2.15 writes on Shape nodes and nothing reads, is left out.
    """
    found = {}
    for node in GraphDef.FromString(graph_def).node:
        node.ClearField("experimental_type")
        if node.op == "Const":
            node.attr["value"].tensor.Clear()
        found[node.name] = node
    return found


@pytest.mark.parametrize("op", OPS)
def test_tensorflow_runs_our_graph(oracle: Oracle, op: str) -> None:
    cases = list(expand(ROWS[op]))
    pairs = zip(cases, goldens.read(op, cases), strict=True)

    def differences() -> Iterator[str]:
        for case, answer in pairs:
            # The first types of each case: nodes of the others differ from these in types only.
            if not case["shapes"] or "runs" not in answer:
                continue
            exported = harness.export(case)
            one = {"feeds": exported.feeds, "fetches": exported.outputs, "targets": ["op"]}
            values = oracle.run_session(
                exported.graph_def, [{"targets": exported.setup}, *[one] * case["runs"]]
            )[1:]
            for number, outputs in enumerate(values):
                expected = answer["runs"][number]["outputs"]
                for mine, theirs in zip(outputs, expected, strict=True):
                    difference = harness.compare(mine, theirs, ROWS[op].tolerance, ROWS[op].flips)
                    if difference:
                        yield f"{case['label']}, run {number}: {difference}"

    report(differences())


def test_op_defs_are_tensorflows(tf215: Oracle) -> None:
    theirs = tf215.op_defs()

    def differences() -> Iterator[str]:
        for name, declaration in registry.declarations().items():
            if name not in theirs:
                yield f"{name}: TensorFlow has no such op"
                continue
            ours, stock = plain(opdef.to_op_def(declaration)), plain(OpDef.FromString(theirs[name]))
            if ours != stock:
                yield f"{name}:\n{ours}\nTensorFlow:\n{stock}"

    report(differences())


def plain(op_def: Any) -> Any:
    """An OpDef without what says nothing of a node; allowed types are a set."""
    for field in ("deprecation", "is_distributed_communication"):
        op_def.ClearField(field)
    for arg in (*op_def.input_arg, *op_def.output_arg):
        for field in ("description", "handle_data", "experimental_full_type"):
            if field in arg.DESCRIPTOR.fields_by_name:
                arg.ClearField(field)
    for attr in op_def.attr:
        types = sorted(attr.allowed_values.list.type)
        del attr.allowed_values.list.type[:]
        attr.allowed_values.list.type.extend(types)
        if not types and not attr.allowed_values.list.s:
            attr.ClearField("allowed_values")
    op_def.DiscardUnknownFields()
    return op_def
