"""Writes the outcomes of the real files and their summary anew.

    python tools/manifest.py    then look at the difference: a file that gets less far is a regression

The files lie in ``../shared`` or where EVERGRAPH_SHARED says. What changes is printed, line by line.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.manifest import summary, table  # noqa: E402
from tests.manifest.checks import check  # noqa: E402
from tests.manifest.entries import entries  # noqa: E402


def main() -> int:
    """Checks every file, prints what changes, writes the table and the page."""
    logging.disable(logging.WARNING)
    data = Path(os.environ.get("EVERGRAPH_SHARED") or ROOT.parent / "shared") / "data"
    every = entries(data.resolve())
    before = table.read() if table.PATH.exists() else {}
    rows = {name: check(entry) for name, entry in every.items()}
    for name, outcome in rows.items():
        if before.get(name) != outcome:
            print(f"{name}: {before.get(name)} -> {outcome}")
    table.write(rows)
    summary.PATH.write_text(summary.text(every, rows), encoding="utf-8")
    print(summary.text(every, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
