"""The values recorded beside the programs of ``tests/semantics.py`` are what live TensorFlow gives."""

from __future__ import annotations

import pytest

from tests.oracle.client import Oracle
from tests.semantics import PROGRAMS

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(oracle: Oracle, name: str) -> None:
    program = PROGRAMS[name]
    assert oracle.execute(program.source) == program.expected
