"""Stock TensorFlow for tests marked ``oracle``: ``tf215``, ``tf221``, or ``oracle`` for both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oracle.client import Oracle, OracleMissing


def _running(version: str) -> Iterator[Oracle]:
    try:
        oracle = Oracle(version)
    except OracleMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    yield oracle
    oracle.close()


@pytest.fixture(scope="session")
def tf215() -> Iterator[Oracle]:
    """TensorFlow 2.15.1: the reference for names, OpDefs and values."""
    yield from _running("2.15")


@pytest.fixture(scope="session")
def tf221() -> Iterator[Oracle]:
    """TensorFlow 2.21.0: today's."""
    yield from _running("2.21")


@pytest.fixture(params=["tf215", "tf221"])
def oracle(request: pytest.FixtureRequest) -> Oracle:
    """Both, one after the other."""
    return request.getfixturevalue(request.param)
