"""What a run does, against what TensorFlow 2.15.1 does with the same programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.graph.graph import Graph
from tests.semantics import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    program = PROGRAMS[name]
    namespace: dict[str, Any] = {}
    exec(program.source, namespace)
    with Graph().as_default():
        assert namespace["main"](tf1, np) == program.expected
