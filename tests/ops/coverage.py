"""``docs/coverage.md``: every declared op, the types that are proved, those left out, and why."""

from __future__ import annotations

from collections.abc import Iterator

import evergraph.ops  # noqa: F401 - declares the ops
from evergraph.graph import registry
from tests.ops import goldens
from tests.ops.chains import CHAINS, covered
from tests.ops.rows import NEVER, ROWS, Row, allowed_types, expand, types_of
from tests.ops.table.without_row import WITHOUT_ROW

HEAD = """# Ops: what is proved, and on which types

Written by `make record` from the op table (`tests/ops/table/`); do not edit. Each op is compared
with stock TensorFlow 2.15.1: values, static shapes, gradients and errors, on every type that its
OpDef allows. Left out are types for which that TensorFlow has no CPU kernel, handles (`resource`,
`variant`: not values), and what the last column gives a reason for.

"""


def page() -> str:
    """The whole page."""
    declared = sorted(registry.declarations())
    lines = [
        HEAD,
        f"{len(declared)} ops are declared. {len(ROWS)} have a row of their own, {len(covered())} "
        "are proved together with others (`tests/ops/table/together.py`).\n\n",
        "| op | proved on | no kernel in TensorFlow | left out, because |\n|---|---|---|---|\n",
    ]
    lines += [_line(op) for op in declared]
    return "".join(lines)


def _line(op: str) -> str:
    if op in covered():
        kinds = dict.fromkeys(k for c in CHAINS.values() if op in c.covers for k in c.types)
        return f"| {op} | together with others: {' '.join(kinds)} | | |\n"
    if op not in ROWS:
        return f"| {op} | | | {WITHOUT_ROW.get(op, '')} |\n"
    one = ROWS[op]
    proved, missing, reasons = [], [], []
    for attr, names, without in _types(one):
        proved.append(f"{attr}: {' '.join(names)}" if names else "")
        missing.append(f"{attr}: {' '.join(without)}" if without else "")
    for attr, left_out in one.exclude.items():
        reasons += [f"{attr} {name}: {why}" for name, why in left_out.items()]
    if one.no_gradient:
        reasons.append(f"gradient: {one.no_gradient}")
    cells = ("; ".join(filter(None, cell)) for cell in (proved, missing, reasons))
    return f"| {op} | {' | '.join(cells)} |\n"


def _types(one: Row) -> Iterator[tuple[str, list[str], list[str]]]:
    """By type attribute: the types with at least one comparison, and those with no kernel."""
    declaration = registry.lookup(one.op)
    assert declaration is not None
    cases = list(expand(one))
    answers = goldens.read(one.op, cases)
    for attr in declaration.attrs.values():
        if attr.kind != "type":
            continue
        tried = [
            (case["attrs"].get(attr.name), "no_kernel" in answer)
            for case, answer in zip(cases, answers, strict=True)
        ]
        proved = {name for name, without in tried if not without}
        names = [name for name in types_of(one, attr) if name in proved]
        without = [
            name
            for name in allowed_types(attr)
            if name not in proved and name not in NEVER and (name, True) in tried
        ]
        yield attr.name, names, without
