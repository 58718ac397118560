"""Programs of control flow give the values that TensorFlow gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.graph.graph import Graph
from tests.control_flow_programs import PROGRAMS, RUN


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_values(name: str) -> None:
    program = PROGRAMS[name]
    namespace: dict[str, Any] = {}
    exec(program.source + RUN, namespace)
    with Graph().as_default():
        found = namespace["main"](tf1, np)
    assert len(found) == len(program.expected)
    for value, expected in zip(found, program.expected, strict=True):
        same(value, expected)


def same(value: Any, expected: Any) -> None:
    if isinstance(expected, (bytes, str, bool)) or expected is None:
        assert value == expected
    else:
        np.testing.assert_allclose(np.asarray(value), np.asarray(expected), rtol=2e-6)
