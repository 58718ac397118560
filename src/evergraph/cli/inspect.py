"""``evergraph inspect``: what is in a checkpoint, a folder of them, a .meta, a .pb, a SavedModel, events, records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import click

Facts = dict[str, Any]


_KEYS: dict[str, Callable[[Facts], Any]] = {
    "name": lambda tensor: tensor["name"],
    "size": lambda tensor: (-tensor["bytes"], tensor["name"]),
    "shape": lambda tensor: (len(tensor["shape"]), tensor["shape"], tensor["name"]),
    "dtype": lambda tensor: (tensor["dtype"], tensor["name"]),
}


@click.command()
@click.argument("path")
@click.option(
    "--sort",
    type=click.Choice(tuple(_KEYS)),
    default="name",
    show_default=True,
    help="Order of the tensors.",
)
@click.option("--match", metavar="REGEX", help="Only tensors whose name it is found in.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def inspect(path: str, sort: str, match: str | None, as_json: bool) -> None:
    """Show what is in a model file: names, types, shapes, sizes. Values are not read.

    \b
      evergraph inspect runs/mnist --sort size
      evergraph inspect runs/mnist/model.ckpt-1000 --match Adam --json

    PATH is a checkpoint (prefix or any of its files), a folder, a .meta, .pb, .pbtxt, a SavedModel, events, records.
    """
    from evergraph.cli.facts import facts_of
    from evergraph.cli.facts_text import lines

    try:
        pattern = re.compile(match or "")
    except re.error as error:
        raise click.BadParameter(f"{match!r} is no regular expression: {error}") from None
    facts = facts_of(path)
    for part in _with_tensors(facts):
        part["tensors"] = sorted(
            (tensor for tensor in part["tensors"] if pattern.search(tensor["name"])),
            key=_KEYS[sort],
        )
        part["shown"] = len(part["tensors"])
    if as_json:
        import json

        click.echo(json.dumps(facts, indent=2))
    else:
        click.echo("\n".join(lines(facts)))


def _with_tensors(facts: Facts) -> Iterable[Facts]:
    """The parts of the facts that list tensors."""
    if "tensors" in facts:
        yield facts
    inside = [facts.get("latest"), facts.get("variables"), *facts.get("meta_graphs", ())]
    for part in inside:
        if isinstance(part, dict):
            yield from _with_tensors(part)
