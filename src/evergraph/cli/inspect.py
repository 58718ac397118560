"""``evergraph inspect``: what is in a checkpoint, a folder of them, a .meta, a .pb, a SavedModel, events, records."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

Facts = dict[str, Any]


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
            help="A checkpoint (prefix or any of its files), a folder, a .meta, .pb, .pbtxt, a SavedModel, "
            "events, records.",
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
    from evergraph.cli.facts_text import lines

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
    typer.echo(json.dumps(facts, indent=2) if as_json else "\n".join(lines(facts)))


def _with_tensors(facts: Facts) -> Iterable[Facts]:
    """The parts of the facts that list tensors."""
    if "tensors" in facts:
        yield facts
    inside = [facts.get("latest"), facts.get("variables"), *facts.get("meta_graphs", ())]
    for part in inside:
        if isinstance(part, dict):
            yield from _with_tensors(part)
