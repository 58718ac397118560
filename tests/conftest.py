"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.storage.stores import bucket, gs_server, remote, renaming, s3_server, server  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("EVERGRAPH_SHARED") or ROOT.parent / "shared").resolve()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the real files, tests over them are skipped, with the reason; in CI that fails."""
    if (SHARED / "data").is_dir():
        return
    reason = (
        f"the real files are not there: no {SHARED}/data (EVERGRAPH_SHARED names another place)"
    )
    wanting = [item for item in items if item.get_closest_marker("shared")]
    if wanting and os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise pytest.UsageError(f"{len(wanting)} tests are marked 'shared', and {reason}")
    for item in wanting:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files. A test that asks for it is marked ``shared``."""
    return SHARED
