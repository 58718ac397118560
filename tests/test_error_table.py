"""The table of errors: what a message finds in it, and what its pointer costs an error that nobody sees."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import traceback

import pytest

from evergraph import errors
from evergraph.error_table import ROWS, row_of, rows_about
from tools import errors_document

EXPLAINED = "Attempting to use uninitialized value w"
POINTER = "Cause and cure: evergraph explain uninitialized (docs/errors.md#restoring)"


def test_the_page_is_the_table() -> None:
    """Else: .venv/bin/python tools/errors_document.py"""
    assert errors_document.TARGET.read_text(encoding="utf-8") == errors_document.document()


def test_names_are_of_one_row_and_no_section() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert not {row.anchor for row in ROWS} & set(names)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_message_finds_its_row_in_whatever_stands_around_it(row) -> None:
    assert row_of(row.message) is row
    assert row_of(f"Traceback ...\ntensorflow.errors.Error: {row.message}\n  and more") is row
    assert rows_about(row.name) == rows_about(row.message) == [row]


def test_the_parts_of_a_message_stand_in_their_order() -> None:
    assert row_of("Key a not found in checkpoint b, which has 2 tensors.").name == "missing-tensor"
    assert row_of(", which Key a not found in checkpoint b") is None


def test_sections_and_words() -> None:
    saving = rows_about("Saving")
    assert {row.section for row in saving} == {"Saving"}
    assert rows_about("reading a checkpoint") == rows_about("reading-a-checkpoint")
    assert {row.name for row in rows_about("LFS Fetch")} == {"git-lfs-graph", "other-message"}


@pytest.mark.parametrize("text", ["", "  ", "no such words", "x" * 100_000])
def test_what_is_not_explained(text: str) -> None:
    with pytest.raises(errors.NotFoundError, match="No error that is explained") as raised:
        rows_about(text)
    assert len(raised.value.message) < 300


def test_a_misspelt_name_has_near_ones() -> None:
    with pytest.raises(errors.NotFoundError, match="Nearest names there: 'uninitialized'"):
        rows_about("unintialized")


# ------------------------------------------------------------------------------------ the pointer


def test_the_pointer_is_beside_the_message() -> None:
    error = errors.FailedPreconditionError(None, None, EXPLAINED)
    for one in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert one.__notes__ == [POINTER]
        assert (str(one), one.message, one.args) == (EXPLAINED, EXPLAINED, (EXPLAINED,))
    assert pickle.loads(pickle.dumps(error)).__notes__ == [POINTER]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no notes of errors")
@pytest.mark.parametrize("message", [EXPLAINED, "mine"])
def test_notes_of_a_program_stand_behind_it(message: str) -> None:
    error = errors.FailedPreconditionError(None, None, message)
    error.add_note("step 7")
    assert traceback.format_exception_only(error)[1:] == [
        *([f"{POINTER}\n"] if message == EXPLAINED else []),
        "step 7\n",
    ]


def test_a_built_in_error() -> None:
    error = ValueError(EXPLAINED)
    assert errors.documented(error) is error
    assert error.__notes__ == [POINTER]
    assert str(error) == EXPLAINED
    assert not hasattr(errors.documented(ValueError("mine")), "__notes__")


@pytest.mark.parametrize("message", [b"bytes", None, 7])
def test_a_message_that_is_no_text(message: object) -> None:
    error = errors.UnknownError(None, None, message)  # type: ignore[arg-type]
    assert error.__notes__ == []


def test_a_notice_is_no_error() -> None:
    assert errors.UnknownError(None, None, "Passed over: a folder").__notes__ == []


def test_an_error_that_is_caught_looks_nothing_up() -> None:
    source = (
        "import sys\nfrom evergraph import errors\n"
        f"try: raise errors.FailedPreconditionError(None, None, {EXPLAINED!r})\n"
        "except errors.OpError as error: str(error)\n"
        "assert 'evergraph.error_table' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)
