"""The real files: what their manifests list, and what the recorded facts say of each.

Two folders under ``shared/data``: ``artifacts`` (files that others wrote with TensorFlow 0.x to 2.x)
and ``edge`` (edge cases and damaged files). The README.md in each says what stands in
``manifest.json`` and ``facts.json``.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evergraph.formats import dtypes

FOLDERS = ("artifacts", "edge")


@dataclass(frozen=True)
class Entry:
    """One listed file (a checkpoint: the files of one prefix)."""

    id: str
    kind: str
    folder: Path
    main: str
    listing: dict[str, Any]
    facts: dict[str, Any]

    @property
    def path(self) -> Path:
        """The file; for a checkpoint its prefix."""
        return self.folder / self.listing["src"] / self.main

    @property
    def checkpoint(self) -> Path | None:
        """The prefix of the checkpoint that belongs to a MetaGraph."""
        prefix = self.listing.get("ckpt")
        return None if prefix is None else self.folder / self.listing["src"] / prefix


@functools.cache
def entries(data: Path) -> dict[str, Entry]:
    """All entries of both folders by id, in the manifests' order."""
    found: dict[str, Entry] = {}
    for name in FOLDERS:
        folder = data / name
        listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))["facts"]
        for one in listed:
            found[one["id"]] = Entry(
                one["id"], one["kind"], folder, one["main"], one, facts[one["id"]]
            )
    return found


# ------------------------------------------------------------------------------ recorded numbers


@functools.cache
def _archive(path: Path) -> tuple[dict[str, int], Any]:
    stored = np.load(path)
    names = json.loads(stored["__names__"].tobytes().decode())
    return {name: i for i, name in enumerate(names)}, stored


def recorded(entry: Entry, key: str) -> Any:
    """The array that is stored under ``key`` for ``entry``."""
    places, stored = _archive(entry.folder / "outputs" / f"{entry.facts['npz']}.npz")
    return stored[f"k{places[key]}"]


def expected_output(entry: Entry, fact: dict[str, Any]) -> Any:
    """What TensorFlow gave for one output: flat, every ``step``-th element."""
    array = recorded(entry, fact["key"])
    if fact["enc"] == "hexjson":
        texts = [bytes.fromhex(item) for item in json.loads(array.tobytes().decode())]
        result = np.empty(len(texts), object)
        result[:] = texts
        return result
    if fact["enc"] == "bytes":
        return np.frombuffer(array.tobytes(), dtypes.as_dtype(fact["dtype"]).as_numpy_dtype)
    return array


def feed(entry: Entry, fact: dict[str, Any]) -> Any:
    """The value that a placeholder was fed with."""
    how, _, rest = fact["gen"].partition(":")
    kind = dtypes.as_dtype(fact["dtype"]).as_numpy_dtype
    shape = tuple(fact["shape"])
    random = np.random.RandomState(0)
    if how == "npz":
        return expected_output(entry, {"enc": "raw", **fact}).reshape(shape)
    if how == "hex":
        return np.full(shape, bytes.fromhex(rest), object)
    if how == "const" and fact["dtype"] == "string":
        return np.full(shape, rest.encode(), object)
    if how == "const":
        return np.full(shape, json.loads(rest.lower())).astype(kind)
    if how == "randint":
        return random.randint(0, int(rest), shape).astype(kind)
    drawn = random.uniform(size=shape) * (255 if how == "uniform255" else 1)
    # The recorder drew in float32, also what it fed as float64.
    return drawn.astype(np.float32).astype(kind)
