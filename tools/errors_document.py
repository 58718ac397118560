"""Writes docs/errors.md from the table of errors, src/evergraph/error_table.py.

.venv/bin/python tools/errors_document.py
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from evergraph.error_table import NOTICES, ROWS

TARGET = Path(__file__).resolve().parents[1] / "docs" / "errors.md"

INTRODUCTION = """\
# Errors and what to do

The errors that users of TensorFlow 1 models meet, by what they were doing. The classes are TensorFlow's (`tf.errors`,
in `evergraph.errors`); where a Python built-in says the same, an error is that as well.

The traceback of each ends with a line that leads here (Python 3.11 and newer show it), and so does what commands say:

    Cause and cure: evergraph explain missing-variables (docs/errors.md#restoring)

`evergraph explain` prints the same rows, by name, section, message or words, and that of a program's error with
`evergraph run train.py 2>&1 | evergraph explain -`. The line is a note of the error (PEP 678): `str(error)` and
`error.message` are without it. The end of a queue, a cancelled run, and an error that a program makes itself have none.

Each message is the first line of a real one (long ones are cut at "…"); numbers and paths are examples. The page is
written by `tools/errors_document.py` from `src/evergraph/error_table.py`, and each error is provoked and compared by
`tests/pains/test_errors_document.py`.
"""

ABOUT_NOTICES = """\
Not errors: what would otherwise go wrong without a word. They come through the logger `evergraph` (`tf.logging`).
"""


def document() -> str:
    """The text of docs/errors.md."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    for section, rows in groupby(ROWS, key=lambda row: row.section):
        yield f"## {section}\n"
        if section == NOTICES:
            yield ABOUT_NOTICES
            yield "| name | notice | what it is about |\n|---|---|---|"
            yield from (f"| {row.name} | `{row.message}` | {row.cause} |" for row in rows)
        else:
            yield "| name | message | class | cause | cure |\n|---|---|---|---|---|"
            yield from (
                f"| {row.name} | `{row.message}` | `{row.kind}` | {row.cause} | {row.cure} |"
                for row in rows
            )
        yield ""


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
    print(f"{TARGET}: {len(ROWS)} messages")
