"""tf.compat's helpers for text."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from evergraph.platform import text


def test_bytes_and_text() -> None:
    assert text.as_bytes("\u00e4") == b"\xc3\xa4" == text.as_bytes(b"\xc3\xa4")
    assert text.as_text(b"\xc3\xa4") == "\u00e4" == text.as_str("\u00e4")
    assert text.as_str_any(3) == "3"
    assert text.as_str_any(b"a") == "a"
    assert text.path_to_str(pathlib.Path("a/b")) == "a/b"
    assert text.path_to_str("a") == "a"


@pytest.mark.parametrize("function", [text.as_bytes, text.as_text])
def test_neither(function: object) -> None:
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
        function(3)  # type: ignore[operator]


def test_number_types() -> None:
    assert isinstance(np.int32(1), text.integral_types)
    assert not isinstance(1.0, text.integral_types)
    assert isinstance(np.float32(1), text.real_types)
    assert isinstance(np.complex64(1), text.complex_types)
