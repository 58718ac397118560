"""``save_checkpoint``: a mapping from names to arrays as a checkpoint."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from evergraph import errors
from evergraph.formats import checkpoint_state
from evergraph.formats.bundle import prefix_of
from evergraph.formats.bundle_increment import based_on, bundle_writer
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.checkpoint import Checkpoint
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.storage import paths
from evergraph.storage.filesystem import Path, filesystem, plain_path
from evergraph.storage.publish import Durability, publish_bytes

if TYPE_CHECKING:
    from concurrent.futures import Future

    from evergraph.formats.tensor_slices_writer import TensorSliceWriter


@overload
def save_checkpoint(
    prefix: Path,
    tensors: Mapping[str, Any],
    *,
    durability: Durability = ...,
    update_state: bool = ...,
    format_version: int = ...,
    unchanged_from: Path | None = ...,
    asynchronous: Literal[False] = ...,
) -> str: ...


@overload
def save_checkpoint(
    prefix: Path,
    tensors: Mapping[str, Any],
    *,
    durability: Durability = ...,
    update_state: bool = ...,
    format_version: int = ...,
    unchanged_from: Path | None = ...,
    asynchronous: Literal[True],
) -> Future[str]: ...


def save_checkpoint(
    prefix: Path,
    tensors: Mapping[str, Any],
    *,
    durability: Durability = "full",
    update_state: bool = False,
    format_version: int = 2,
    unchanged_from: Path | None = None,
    asynchronous: bool = False,
) -> str | Future[str]:
    """Writes a checkpoint that TensorFlow (and `open_checkpoint`) reads, all or nothing.

    A checkpoint that is there under this prefix is replaced. The data is in the order of the
    mapping, and the files are byte for byte TensorFlow's.

    Args:
        prefix: path and beginning of the file names; folders are made. In a remote store
            (``gs://bucket/model.ckpt``) the index makes the checkpoint, and is uploaded last.
        tensors: names and values: arrays, or what ``tf.constant`` takes (numbers become float32 or
            int32, text becomes a string tensor). Of a `Checkpoint` one tensor at a time is in
            memory, and partitioned variables keep their parts.
        durability: ``full``: when this returns, a power failure harms nothing; ``none``: fastest,
            and still safe when the process is killed.
        update_state: also name it as the newest in the folder's state file.
        format_version: 2; or 1 for the one-file format of before TensorFlow 0.12, which lacks
            some types.
        unchanged_from: an older checkpoint on the same disk, with which tensors that have not
            changed are shared instead of written (see `formats.bundle_increment`). All values are
            in memory at once then.
        asynchronous: write in a thread of its own while the program goes on. NumPy arrays that
            can be written to are copied first. A process that ends waits for it.

    Returns:
        The prefix; in format V1 it is the file. With ``asynchronous`` a Future of it, whose
        ``result()`` waits, and raises what went wrong.

    Raises:
        InvalidArgumentError: a name or value cannot be stored, or the prefix cannot be one.
        UnimplementedError: format V1 cannot hold elements of a type.
        ResourceExhaustedError: the disk is full. What was there before is still there.
    """
    text = check_prefix(prefix)
    folder, name = paths.split(text)
    state_path = checkpoint_state.state_path(folder)
    if update_state and text == state_path:
        raise errors.InvalidValueError(
            None, None, f"The prefix {text!r} is the name of the state file: choose another one."
        )
    base = None if unchanged_from is None else find_checkpoint(unchanged_from).prefix

    def save(values: Mapping[str, Any]) -> str:
        with based_on(base):
            _write(text, values, format_version, durability)
        if update_state:
            state = checkpoint_state.format_state(_next_state(folder, name, state_path))
            publish_bytes(state_path, state.encode(), durability)
        return text

    if not asynchronous:
        return save(tensors)
    from concurrent.futures import ThreadPoolExecutor

    held = tensors if isinstance(tensors, Checkpoint) else _held(tensors)
    pool = ThreadPoolExecutor(1, "evergraph-save")
    try:
        return pool.submit(save, held)
    finally:
        pool.shutdown(wait=False)


def _held(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are now: what could be written to is copied."""
    return {name: _copied(value) for name, value in tensors.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        # A view that cannot be written to may be of memory that can.
        return value.copy() if value.flags.writeable or value.base is not None else value
    return copy.deepcopy(value) if isinstance(value, (list, tuple, bytearray)) else value


def _write(
    prefix: str, tensors: Mapping[str, Any], format_version: int, durability: Durability
) -> None:
    expected = 0
    if isinstance(tensors, Checkpoint):
        expected = tensors.nbytes
    elif isinstance(tensors, dict):
        expected = sum(int(getattr(value, "nbytes", 0)) for value in tensors.values())
    with _writer(prefix, format_version, durability, expected) as writer:
        if not isinstance(tensors, Checkpoint):
            for key, value in tensors.items():
                writer.add(key, value)
            return
        for info in tensors.tensors:
            for box in info.slices:
                part = tensors.read_slice(info.name, box, verify=True)
                writer.add_slice(info.name, info.shape, box, part)
            if not info.slices:
                writer.add(info.name, tensors[info.name])


def check_prefix(prefix: Path) -> str:
    """The path of a prefix under which a checkpoint can be written. Raises InvalidArgumentError for others."""
    text = plain_path(prefix)
    if (
        not os.path.basename(text)
        or prefix_of(text) is not None
        or filesystem(text).is_folder(text)
    ):
        raise errors.InvalidValueError(
            None,
            None,
            f"{text!r} cannot be a checkpoint's prefix, which is how its files' names begin, such "
            "as 'folder/model.ckpt'.",
        )
    return text


def _writer(
    prefix: str, format_version: int, durability: Durability, expected: int
) -> BundleWriter | TensorSliceWriter:
    if format_version == 2:
        return bundle_writer(prefix, durability, expected)
    if format_version == 1:
        from evergraph.formats.tensor_slices_writer import TensorSliceWriter

        return TensorSliceWriter(prefix, durability, expected)
    raise errors.InvalidValueError(
        None, None, f"Checkpoints are of format version 2 or 1, not {format_version!r}."
    )


def _next_state(folder: str, name: str, path: str) -> checkpoint_state.CheckpointState:
    """The state of a folder after ``name`` was saved: what it kept, then this."""
    kept: list[str] = []
    times: list[float] = []
    if filesystem(path).exists(path):
        old = checkpoint_state.parse(filesystem(path).read_file(path), path)
        kept = list(old.all_model_checkpoint_paths)
        times = list(old.all_model_checkpoint_timestamps)
    pairs = list(zip(kept, times, strict=True)) if len(kept) == len(times) else []
    home = paths.absolute(folder)
    same = (name, os.path.join(home, name))
    kept = [other for other in kept if other not in same]
    times = [when for other, when in pairs if other not in same] if pairs else []
    has_times = len(times) == len(kept)
    return checkpoint_state.make_state(
        home,
        name,
        [*kept, name],
        [*times, time.time()] if has_times else None,
        relative=True,
    )
