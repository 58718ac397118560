"""What TensorFlow said, kept: one compressed file an op, which only ``make record`` writes.

A file holds a JSON text and the bytes of all arrays behind each other, as the two arrays of an
``.npz``. The text says for which cases (a hash over all of them, inputs included, and over the
recorder) and in which TensorFlow it was recorded: a row or recorder that has changed since is told
to ``make record``, never compared with the past.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracle import wire

FOLDER = Path(__file__).parent / "goldens"
RECORDER = Path(__file__).parent / "recorder.py"


class Outdated(AssertionError):
    """There is no recording for this row as it is now."""


def digest(cases: list[dict[str, Any]]) -> str:
    """The hash of the expanded cases and of the recorder."""
    found = hashlib.sha256(RECORDER.read_bytes())
    for case in cases:
        found.update(repr(wire.pack(case)).encode())
    return found.hexdigest()[:24]


def write(op: str, cases: list[dict[str, Any]], answers: list[Any], tensorflow: str) -> Path:
    """Keeps TensorFlow's answers to the cases of one row."""
    blob = bytearray()
    text = json.dumps(
        {"tensorflow": tensorflow, "hash": digest(cases), "answers": _flatten(answers, blob)},
        separators=(",", ":"),
    )
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{op}.npz"
    np.savez_compressed(
        path,
        text=np.frombuffer(text.encode(), np.uint8),
        data=np.frombuffer(bytes(blob), np.uint8),
    )
    return path


def read(op: str, cases: list[dict[str, Any]]) -> list[Any]:
    """TensorFlow's answers to the cases of one row. Raises Outdated where they were other cases."""
    path = FOLDER / f"{op}.npz"
    if not path.exists():
        raise Outdated(f"{op} has a row in the table and no recording: run `make record`")
    with np.load(path) as arrays:
        content = json.loads(arrays["text"].tobytes())
        blob = arrays["data"].tobytes()
    if content["hash"] != digest(cases):
        raise Outdated(f"the row of {op}, or the recorder, has changed: run `make record`")
    return _restore(content["answers"], blob)


def _flatten(value: Any, blob: bytearray) -> Any:
    if isinstance(value, np.ndarray):
        name, shape, data = wire.pack_array(value)
        if name == "string":
            return {"strings": [item.hex() for item in data], "shape": shape}
        start = len(blob)
        blob += data
        return {"dtype": name, "shape": shape, "at": [start, len(blob)]}
    if isinstance(value, dict):
        return {key: _flatten(item, blob) for key, item in value.items()}
    if isinstance(value, list):
        return [_flatten(item, blob) for item in value]
    return value


def _restore(value: Any, blob: bytes) -> Any:
    if isinstance(value, dict):
        if "at" in value:
            start, end = value["at"]
            return wire.unpack_array(value["dtype"], value["shape"], blob[start:end])
        if "strings" in value:
            items = [bytes.fromhex(item) for item in value["strings"]]
            return wire.unpack_array("string", value["shape"], items)
        return {key: _restore(item, blob) for key, item in value.items()}
    if isinstance(value, list):
        return [_restore(item, blob) for item in value]
    return value
