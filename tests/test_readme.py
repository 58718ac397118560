"""The Python blocks of README.md run as they stand, one after the other, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


def test_blocks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        namespace: dict[str, Any] = {}
        exec(block, namespace)
    printed = capsys.readouterr().out
    # What the README shows behind its first block is what it prints.
    shown = re.search(r"^```\n\n((?:    .*\n)+)", text, re.MULTILINE)
    assert shown is not None
    assert printed.startswith(re.sub(r"^    ", "", shown[1], flags=re.MULTILINE))


def test_links_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([\w./]+)\)", text):
        assert (README.parent / target).exists(), target
