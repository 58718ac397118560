"""Every real file, as far as the table says: neither less, nor, unnoticed, farther."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifest import summary, table
from tests.manifest.checks import check
from tests.manifest.entries import entries

pytestmark = pytest.mark.shared

ROWS = table.read()
HINT = "python tools/manifest.py writes the table anew: look at what changed before committing it"


def test_every_file_is_listed(shared: Path) -> None:
    found = set(entries(shared / "data"))
    assert found == set(ROWS), HINT


@pytest.mark.parametrize("name", ROWS)
def test_file(shared: Path, name: str) -> None:
    assert check(entries(shared / "data")[name]) == ROWS[name], HINT


def test_graphs_run(shared: Path) -> None:
    every = entries(shared / "data")
    ran = [name for name, row in ROWS.items() if row.state == "run" and name in every]
    assert len(ran) >= 600


def test_summary_is_current(shared: Path) -> None:
    expected = summary.text(entries(shared / "data"), ROWS)
    assert summary.PATH.read_text(encoding="utf-8") == expected, HINT
