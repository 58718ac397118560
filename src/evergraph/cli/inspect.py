"""``evergraph inspect``: what is in a checkpoint, a folder of them, a .meta, a .pb, a SavedModel."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer

Facts = dict[str, Any]
_SHOWN_OPS = 12


class Order(str, enum.Enum):
    """How tensors are sorted."""

    NAME = "name"
    SIZE = "size"
    SHAPE = "shape"
    DTYPE = "dtype"


_KEYS: dict[Order, Callable[[Facts], Any]] = {
    Order.NAME: lambda tensor: tensor["name"],
    Order.SIZE: lambda tensor: (-tensor["bytes"], tensor["name"]),
    Order.SHAPE: lambda tensor: (len(tensor["shape"]), tensor["shape"], tensor["name"]),
    Order.DTYPE: lambda tensor: (tensor["dtype"], tensor["name"]),
}


def inspect(
    path: Annotated[
        str,
        typer.Argument(
            help="A checkpoint (prefix or any of its files), a folder, a .meta, .pb, .pbtxt, a SavedModel.",
            show_default=False,
        ),
    ],
    sort: Annotated[Order, typer.Option(help="Order of the tensors.")] = Order.NAME,
    match: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Only tensors whose name it is found in.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show what is in a model file: names, types, shapes, sizes. Values are not read."""
    from evergraph.cli.facts import facts_of

    try:
        pattern = re.compile(match or "")
    except re.error as error:
        raise typer.BadParameter(f"{match!r} is no regular expression: {error}") from None
    facts = facts_of(path)
    for part in _with_tensors(facts):
        part["tensors"] = sorted(
            (tensor for tensor in part["tensors"] if pattern.search(tensor["name"])),
            key=_KEYS[sort],
        )
        part["shown"] = len(part["tensors"])
    typer.echo(json.dumps(facts, indent=2) if as_json else "\n".join(_lines(facts)))


def _with_tensors(facts: Facts) -> Iterable[Facts]:
    """The parts of the facts that list tensors."""
    if "tensors" in facts:
        yield facts
    inside = [facts.get("latest"), facts.get("variables"), *facts.get("meta_graphs", ())]
    for part in inside:
        if isinstance(part, dict):
            yield from _with_tensors(part)


# ------------------------------------------------------------------------------------------- text


def _lines(facts: Facts) -> list[str]:
    kind = facts["kind"]
    if kind == "checkpoint":
        return _checkpoint_lines(facts)
    if kind == "folder":
        return _folder_lines(facts)
    if kind == "saved model":
        lines = [f"{facts['path']}: a SavedModel"]
        for meta in facts["meta_graphs"]:
            lines += [
                "",
                f"MetaGraph with tags {', '.join(meta['tags']) or 'none'}",
                *_graph_lines(meta),
            ]
        if facts["variables"] is not None:
            lines += ["", "Variables:", *_checkpoint_lines(facts["variables"])]
        return lines
    what = (
        "a graph (GraphDef)"
        if kind == "graph"
        else "a MetaGraph: a graph, its collections and saver"
    )
    lines = [f"{facts['path']}: {what}, {facts['bytes']:,} bytes", *_graph_lines(facts)]
    if facts.get("files"):
        lines += ["", "Files of its checkpoint:", *_file_lines(facts["files"])]
    return lines + _notice(facts)


def _checkpoint_lines(facts: Facts) -> list[str]:
    step = "" if facts["step"] is None else f", step {facts['step']}"
    lines = [f"{facts['prefix']}: a checkpoint of format {facts['format']}{step}"]
    lines += _file_lines(facts["files"])
    if not any(file["holds"] == "the graph" for file in facts["files"]):
        lines.append("  (no .meta: values without their graph)")
    return [*lines, "", *_tensor_lines(facts, "tensors"), *_notice(facts)]


def _folder_lines(facts: Facts) -> list[str]:
    found = facts["checkpoints"]
    lines = [f"{facts['path']}: a folder with {len(found)} checkpoint{'s' * (len(found) != 1)}"]
    rows = [
        (
            checkpoint["prefix"],
            "" if checkpoint["step"] is None else f"step {checkpoint['step']}",
            "with graph" if checkpoint["graph"] else "no graph",
            "latest" if checkpoint["latest"] else "",
        )
        for checkpoint in found
    ]
    lines += _columns(rows)
    lines += [f"  {prefix}: named by the state file, and not there" for prefix in facts["missing"]]
    if facts["latest"] is not None:
        lines += ["", *_checkpoint_lines(facts["latest"])]
    return lines + _notice(facts)


def _graph_lines(facts: Facts) -> list[str]:
    ops = list(facts["ops"].items())
    named = ", ".join(f"{op} {count}" for op, count in ops[:_SHOWN_OPS])
    more = f", and {len(ops) - _SHOWN_OPS} more" if len(ops) > _SHOWN_OPS else ""
    lines = [f"  {facts['nodes']} nodes of {len(ops)} op types: {named}{more}"]
    if facts.get("collections"):
        listed = ", ".join(f"{key} {count}" for key, count in facts["collections"].items())
        lines.append(f"  collections: {listed}")
    for key, signature in facts.get("signatures", {}).items():
        ends = [
            ", ".join(f"{name} = {tensor}" for name, tensor in signature[side].items())
            for side in ("inputs", "outputs")
        ]
        lines.append(f"  signature {key}: ({ends[0]}) -> ({ends[1]})")
    if facts.get("functions"):
        lines.append(f"  functions: {', '.join(facts['functions'])}")
    for title in ("inputs", "variables", "objects"):
        if facts.get(title):
            lines += ["", f"{title}:"]
            lines += _columns(
                [(each["name"], each["dtype"], _shape(each["shape"])) for each in facts[title]]
            )
    if facts["likely_outputs"]:
        lines += ["", "likely outputs, best first:"]
        lines += [f"  {name}" for name in facts["likely_outputs"]]
    return [*lines, "", *_tensor_lines(facts, "constants")]


def _file_lines(files: Sequence[Facts]) -> list[str]:
    return _columns([(file["name"], f"{file['bytes']:,} bytes", file["holds"]) for file in files])


def _tensor_lines(facts: Facts, title: str) -> list[str]:
    totals = facts["totals"]
    rows = [
        (tensor["name"], tensor["dtype"], _shape(tensor["shape"]), f"{tensor['bytes']:,}")
        for tensor in facts["tensors"]
    ]
    shown = "" if facts["shown"] == totals["tensors"] else f" ({facts['shown']} shown)"
    return [
        f"{totals['tensors']} {title}{shown}, {totals['elements']:,} elements, {totals['bytes']:,} bytes"
        + (":" if rows else ""),
        *_columns(rows),
    ]


def _notice(facts: Facts) -> list[str]:
    return ["", facts["notice"]] if facts.get("notice") else []


def _shape(shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return "any shape"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as aligned lines; a pipe gets them as wide as they are."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
