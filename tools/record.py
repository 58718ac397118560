"""Writes the recorded TensorFlow outputs that the tests compare with (``make record``).

    python tools/record.py             rows that have changed, and the recordings they lack
    python tools/record.py --all       every row
    python tools/record.py MatMul Pad  these

Then ``docs/coverage.md`` is written anew. Nothing else writes into ``tests/ops/goldens/``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.ops import coverage, goldens, table  # noqa: E402, F401 - the table fills ROWS
from tests.ops.chains import CHAINS  # noqa: E402
from tests.ops.rows import ROWS, expand  # noqa: E402
from tests.oracle.client import Oracle, OracleCrash, OracleError  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ops", nargs="*", metavar="OP", help="rows to record, whatever their state")
    parser.add_argument("--all", action="store_true", help="record every row")
    options = parser.parse_args()
    names = options.ops or [name for name in ALL if options.all or is_outdated(name)]
    oracle = Oracle("2.15")
    failed = 0
    for name in names:
        try:
            print(record(oracle, name))
        except (OracleError, OracleCrash, ValueError, LookupError) as problem:
            failed += 1
            print(f"{name}: NOT recorded: {problem}", file=sys.stderr)
    oracle.close()
    for path in goldens.FOLDER.glob("*.npz"):
        if path.stem not in ALL:
            path.unlink()
            print(f"{path.stem}: removed, it has no row")
    if failed:
        sys.exit(f"{failed} of {len(names)} rows could not be recorded")
    (ROOT / "docs" / "coverage.md").write_text(coverage.page(), encoding="utf-8")


ALL = [*ROWS, *CHAINS]


def cases_of(name: str) -> list[dict[str, Any]]:
    """The cases of a row or a chain."""
    return list(CHAINS[name].cases() if name in CHAINS else expand(ROWS[name]))


def is_outdated(name: str) -> bool:
    try:
        goldens.read(name, cases_of(name))
    except (goldens.Outdated, LookupError):
        return True
    return False


def record(oracle: Oracle, name: str) -> str:
    """Records one row or chain; a line about it."""
    cases = cases_of(name)
    answers: list[dict[str, Any]] = ask(oracle, cases)
    for case, answer in zip(cases, answers, strict=True):
        check(case, answer)
    without = sum("no_kernel" in answer for answer in answers)
    if all("no_kernel" in answer or "error" in answer for answer in answers):
        raise ValueError("TensorFlow has no kernel for any of its cases: nothing is compared")
    path = goldens.write(name, cases, answers, oracle.versions()["tensorflow"])
    return f"{name}: {len(cases)} cases ({without} without kernel), {path.stat().st_size} bytes"


def ask(oracle: Oracle, cases: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    """TensorFlow's answers, by the recorder."""
    source = goldens.RECORDER.read_text(encoding="utf-8")
    answers: list[dict[str, Any]] = oracle.execute(source, timeout=600, cases=cases, **options)
    return answers


def check(case: dict[str, Any], answer: dict[str, Any]) -> None:
    """Raises ValueError where a row expects an error that TensorFlow does not raise."""
    if case.get("error") is not None:
        phase, found = answer["error"]["nothing"]
        if found != case["error"]:
            raise ValueError(
                f"{case['label']} expects {case['error']}, TensorFlow: {phase} {found or 'nothing'}"
            )


if __name__ == "__main__":
    main()
