"""The committed table of outcomes: one line a file, ``id``, ``state``, ``detail``, tabs between them."""

from __future__ import annotations

from pathlib import Path

from tests.manifest.checks import Outcome

PATH = Path(__file__).with_name("outcomes.tsv")


def read() -> dict[str, Outcome]:
    """The outcomes that are listed, by id."""
    rows: dict[str, Outcome] = {}
    for line in PATH.read_text(encoding="utf-8").splitlines():
        name, state, detail = line.split("\t")
        rows[name] = Outcome(state, detail)
    return rows


def write(rows: dict[str, Outcome]) -> None:
    """Replaces the table."""
    lines = [f"{name}\t{outcome.state}\t{outcome.detail}\n" for name, outcome in rows.items()]
    PATH.write_text("".join(lines), encoding="utf-8")
