"""``evergraph explain``: rows of the table of errors, and the way to them from a traceback."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from evergraph import errors
from evergraph.error_table import ROWS


def test_a_name(cli) -> None:
    result = cli("explain", "no-path")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:3] == [
        "no-path (Restoring)",
        "  message  Can't load save_path when it is None. …",
        "  class    ValueError",
    ]
    assert "  cause    `tf.train.latest_checkpoint` found nothing, and gave None." in lines


def test_a_section_and_words_that_are_not_quoted(cli) -> None:
    section = cli("explain", "reading", "a", "checkpoint").out
    assert section.count("  cure     ") == 8
    assert cli("explain", "git", "lfs", "sstable").out.startswith("git-lfs (Reading a checkpoint)")


def test_all_of_them(cli) -> None:
    result = cli("explain")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    for row in ROWS:
        assert row.section in lines
        assert any(line.startswith(f"  {row.name} ") for line in lines)
    assert lines[-1].endswith("evergraph explain NAME")


def test_json(cli) -> None:
    all_facts = json.loads(cli("explain", "--json").out)
    assert [facts["name"] for facts in all_facts] == [row.name for row in ROWS]
    assert json.loads(cli("explain", "no-prefix", "--json").out) == [
        {
            "name": "no-prefix",
            "section": "Saving",
            "message": "'runs' cannot be a checkpoint's prefix, which is how its files' names begin, such as "
            "'folder/model.ckpt'.",
            "class": "InvalidArgumentError",
            "cause": "It is a folder, or the name of one file of a checkpoint.",
            "cure": "Add a name: `runs/model`.",
        }
    ]
    (notice,) = json.loads(cli("explain", "passed-over", "--json").out)
    assert (notice["class"], notice["cure"]) == (None, None)


@pytest.mark.parametrize("columns", ["20", "80", "400"])
def test_lines_fit_the_terminal(cli, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = cli("explain", "no-state-file").out.splitlines()
    assert max(map(len, lines)) <= max(min(int(columns), 100), 40)
    assert cli("explain").code == 0


def test_what_is_not_there(cli) -> None:
    result = cli("explain", "no-pth")
    assert (result.code, result.out) == (1, "")
    assert "Nearest names there: 'no-path'" in result.err
    assert result.err.splitlines()[-1] == errors.WHERE_TO_LOOK


def test_a_traceback_through_a_pipe(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import evergraph.tf1 as tf\nx = tf.placeholder(tf.float32, name='x')\ntf.Session().run(x)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(done.stderr))
    assert cli("explain", "-").out.startswith("not-fed (Running)")
    # The way that the traceback itself names.
    if sys.version_info >= (3, 11):
        name = done.stderr.splitlines()[-1].split("evergraph explain ")[1].split()[0]
        assert cli("explain", name).out.startswith("not-fed (Running)")


def test_its_own_pointer(cli) -> None:
    for row in ROWS:
        assert cli("explain", row.pointer).out == cli("explain", row.name).out
