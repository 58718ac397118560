"""What ``evergraph inspect`` says of a checkpoint: its files, and its tensors without their values."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from typing import Any, Final

from evergraph.formats.checkpoint import Checkpoint, open_checkpoint
from evergraph.formats.checkpoint_path import FoundCheckpoint
from evergraph.formats.tensor_info import Place
from evergraph.formats.tensor_slice import WHOLE, TensorSlice
from evergraph.storage import paths
from evergraph.storage.filesystem import filesystem

Facts = dict[str, Any]

_STEP = re.compile(r"-(\d+)$")
_SHARD = re.compile(r"-\d{5,}-of-\d{5,}")
_DATA = re.compile(r"\.data-\d{5,}-of-\d{5,}")
_OBJECT_GRAPH: Final = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE: Final = "/.ATTRIBUTES/VARIABLE_VALUE"

# TensorFlow calls what an optimizer or an average keeps for a variable by the variable's name and one more.
_AVERAGES: Final = ("ExponentialMovingAverage", "biased", "local_step")
_OBJECT_SLOT = re.compile(r"/\.OPTIMIZER_SLOT/|(?:^|/)optimizer/_variables/")
_COUNTER = re.compile(
    r"(?:.*/)?(?:beta[12]_power(?:_\d+)?|global_step|save_counter|iter(?:ations)?|learning_rate)"
)

_MOST_SHARDS = 1000


def checkpoint_facts(found: FoundCheckpoint) -> Facts:
    """What is known of a checkpoint."""
    with open_checkpoint(found.prefix) as checkpoint:
        is_object_based = _OBJECT_GRAPH in checkpoint
        tensors, shards = _tensors(checkpoint)
    facts = {
        "kind": "checkpoint",
        "prefix": found.prefix,
        "format": f"V{found.version}",
        "object_based": is_object_based,
        "step": step_of(found.prefix),
        "notice": found.notice,
        "files": files_of(found),
        "tensors": tensors,
        "totals": totals(tensors),
        "uses": _uses(tensors),
        "shards": shards,
    }
    if is_object_based:
        _add_paths(tensors)
    return facts


def _add_paths(tensors: list[Facts]) -> None:
    """Adds to the tensors of an object-based checkpoint what a person would call them."""
    for tensor in tensors:
        tensor["path"] = tensor["name"].removesuffix(_VALUE)


def _tensors(checkpoint: Checkpoint) -> tuple[list[Facts], list[Facts]]:
    """The tensors, each with its slices, if it has some, and its data file, if there are several; then how much each
    data file holds."""
    count = checkpoint.num_shards
    # A header may name any number of data files: of very many, only those that are used are told of.
    held = {number: [0, 0] for number in range(min(count, _MOST_SHARDS))}
    tensors: list[Facts] = []
    for info in checkpoint.tensors:
        tensor: Facts = {
            "name": info.name,
            "dtype": info.dtype.name,
            "shape": list(info.shape),
            "bytes": info.nbytes,
        }
        tensors.append(tensor)
        places = [Place(None, 0, info.nbytes)]
        if count > 1 or info.slices:
            places = checkpoint.places(info.name)
        for place in places:
            of_shard = held.setdefault(place.shard, [0, 0])
            of_shard[0] += 1
            of_shard[1] += place.nbytes
        if info.slices:
            tensor["slices"] = [
                {"slice": _spelled(box, info.shape), "shard": shard, "bytes": size}
                for box, shard, size in places
                if box is not None
            ]
        elif count > 1 and places:
            tensor["shard"] = places[0].shard
    shards = [
        {"shard": number, "pieces": pieces, "bytes": size}
        for number, (pieces, size) in sorted(held.items())
    ]
    return tensors, shards


def _spelled(box: TensorSlice, shape: tuple[int, ...]) -> str:
    """A slice as text, with ``-`` for all of a dimension; files spell that out or not."""
    pairs = zip(box.extents, shape, strict=True)
    extents = tuple((0, WHOLE) if part == (0, size) else part for part, size in pairs)
    return str(TensorSlice(extents))


def _uses(tensors: list[Facts]) -> list[Facts]:
    """How many tensors and bytes there are for what, as far as names and shapes tell; most bytes first."""
    shapes = {tensor["name"]: tensor["shape"] for tensor in tensors}
    found: dict[str, list[int]] = {}
    for tensor in tensors:
        row = found.setdefault(_use(tensor["name"], shapes), [0, 0])
        row[0] += 1
        row[1] += tensor["bytes"]
    return [
        {"use": use, "tensors": count, "bytes": size}
        for use, (count, size) in sorted(found.items(), key=lambda item: -item[1][1])
    ]


def _use(name: str, shapes: dict[str, list[int]]) -> str:
    if name == _OBJECT_GRAPH:
        return "the object graph"
    if _OBJECT_SLOT.search(name):
        return "optimizer slots"
    if _COUNTER.fullmatch(name.removesuffix(_VALUE)):
        return "counters"
    variable, _, last = name.rpartition("/")
    if variable in shapes:
        if last in _AVERAGES:
            return "moving averages"
        if shapes[variable] == shapes[name]:
            return "optimizer slots"
    return "variables"


def files_of(found: FoundCheckpoint) -> list[Facts]:
    """The files that belong to a checkpoint, and what each holds."""
    folder, name = paths.split(base_of(found.prefix))
    roles = {".index": "names, types, shapes", ".meta": "the graph"}
    belonging = []
    for file in sorted(filesystem(found.prefix).list_folder(folder or ".")):
        if not file.startswith(name):
            continue
        rest = file[len(name) :]
        if found.version == 1 and (not rest or _SHARD.fullmatch(rest)):
            role = "names and values"
        elif _DATA.fullmatch(rest):
            role = "values"
        elif rest in roles:
            role = roles[rest]
        else:
            continue
        belonging.append(
            {"name": file, "holds": role, "bytes": size_of(os.path.join(folder, file))}
        )
    return belonging


def base_of(prefix: str) -> str:
    """A prefix without what stands for the numbers of shards in format V1: the ``.meta`` is called after it."""
    return prefix.partition("-?????-of-")[0]


def step_of(prefix: str) -> int | None:
    """The step at the end of a prefix, or None."""
    match = _STEP.search(base_of(prefix))
    return int(match[1]) if match else None


def size_of(path: str) -> int:
    """The size of a file in bytes."""
    return filesystem(path).stat(path).length


def totals(tensors: Iterable[Facts]) -> Facts:
    """Sums over tensors."""
    tensors = list(tensors)
    return {
        "tensors": len(tensors),
        "elements": sum(math.prod(tensor["shape"]) for tensor in tensors),
        "bytes": sum(tensor["bytes"] for tensor in tensors),
    }
