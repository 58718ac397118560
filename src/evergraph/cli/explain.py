"""``evergraph explain``: what an error means and what to do, from the table that docs/errors.md is made of."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evergraph.error_table import Row

_LONGEST_LINE = 100


@click.command()
@click.argument("text", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def explain(text: tuple[str, ...], as_json: bool) -> None:
    """Explain an error, its cause and its cure.

    \b
      evergraph explain missing-variables
      evergraph run train.py 2>&1 | evergraph explain -

    TEXT is a name, a message or words of it; -: what stands on standard input. Without: the list of all.

    A traceback ends with the name to ask for. A message does as well, pasted or piped.
    """
    from evergraph.error_table import ROWS, rows_about

    asked = sys.stdin.read() if text == ("-",) else " ".join(text)
    rows = rows_about(asked) if text else ROWS
    if as_json:
        click.echo(json.dumps(list(map(_facts, rows)), indent=2))
        return
    width = min(shutil.get_terminal_size().columns, _LONGEST_LINE)
    click.echo("\n".join(_explained(rows, width) if text else _overview(rows, width)))


def _facts(row: Row) -> dict[str, str | None]:
    return {
        "name": row.name,
        "section": row.section,
        "message": row.message,
        "class": row.kind or None,
        "cause": row.cause,
        "cure": row.cure or None,
    }


def _overview(rows: Sequence[Row], width: int) -> Iterator[str]:
    """A line for each row, by sections."""
    longest = max(len(row.name) for row in rows)
    for section, inside in groupby(rows, key=lambda row: row.section):
        yield section
        for row in inside:
            room = max(width - longest - 4, 1)
            message = row.message if len(row.message) <= room else row.message[: room - 1] + "…"
            yield f"  {row.name:<{longest}}  {message}"
        yield ""
    yield "What one means, and what to do: evergraph explain NAME"


def _explained(rows: Sequence[Row], width: int) -> Iterator[str]:
    for number, row in enumerate(rows):
        if number:
            yield ""
        yield f"{row.name} ({row.section})"
        fields = [("message", row.message), ("class", row.kind)]
        fields += [("cause", row.cause), ("cure", row.cure)]
        for title, said in fields:
            if said:
                yield textwrap.fill(
                    said,
                    width,
                    initial_indent=f"  {title:<9}",
                    subsequent_indent=" " * 11,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
