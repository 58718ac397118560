"""Every attack, tried on a victim of little memory in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from attacks import trial

README = Path(trial.__file__).parent / "README.md"


@pytest.mark.parametrize("name", trial.names())
def test_attack(name: str) -> None:
    outcome = trial.try_evergraph(name)
    allowed = trial.attack(name).ERRORS
    classes = outcome.end.split(" < ")
    if outcome.end == "read":
        assert "none" in allowed, outcome
    else:
        assert set(classes) & set(allowed), outcome


def test_readme_lists_every_attack() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.py\) \|", README.read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == trial.names()
    assert all(name == file for name, file in rows)


def test_readme_tells_the_idea() -> None:
    text = README.read_text()
    for name in trial.names():
        documentation = trial.attack(name).__doc__
        assert documentation
        assert documentation.strip() in text, name
