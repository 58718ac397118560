"""``docs/manifest.md``: what the table of outcomes adds up to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.manifest.checks import Outcome
from tests.manifest.entries import Entry

PATH = Path(__file__).resolve().parents[2] / "docs" / "manifest.md"

_HEAD = """# Real files

Files that TensorFlow 0.x to 2.x has written, from public repositories, and edge cases and damaged files
made for tests; what TensorFlow 2.21 reads in them and what their graphs give is recorded beside them.
`tests/manifest/outcomes.tsv` lists every file; a test fails where one is not listed, or gets less far, or
farther, than the table says. Written by `python tools/manifest.py`.

* read: everything in the file is what TensorFlow says it is
* run: the graph gives TensorFlow's outputs (types, shapes, values); a MetaGraph with its checkpoint restored,
  and where that is recorded, trained for four steps
* refused: a damaged file, or a graph that TensorFlow refuses as well
* blocked: not yet
* differs: not what TensorFlow says
"""
_STATES = ("run", "read", "refused", "blocked", "differs")


def text(entries: dict[str, Entry], rows: dict[str, Outcome]) -> str:
    """The page."""
    counts = Counter((entries[name].kind, outcome.state) for name, outcome in rows.items())
    lines = [_HEAD, f"| kind | {' | '.join(_STATES)} |", "|---" * (len(_STATES) + 1) + "|"]
    for kind in dict.fromkeys(entry.kind for entry in entries.values()):
        cells = [str(counts[kind, state] or "") for state in _STATES]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    with_outputs = [name for name, entry in entries.items() if "run" in entry.facts]
    ran = sum(rows[name].state == "run" for name in with_outputs)
    lines.append(f"\n{ran} of {len(with_outputs)} graphs with recorded outputs run to them.\n")
    lines.append("## What is in the way\n")
    for name, outcome in rows.items():
        if outcome.state in ("blocked", "differs"):
            lines.append(f"* `{name}`: {outcome.state}: {outcome.detail}")
    return "\n".join(lines) + "\n"
