"""Checkpoints as mappings from names to arrays: ``open_checkpoint`` and ``save_checkpoint``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from evergraph import errors
from evergraph.formats import checkpoint_state
from evergraph.formats.bundle import prefix_of
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.formats.dtypes import DType
from evergraph.formats.tensor_info import TensorInfo
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.storage import paths
from evergraph.storage.filesystem import Path, filesystem, plain_path
from evergraph.storage.publish import Durability, publish_bytes

if TYPE_CHECKING:
    from evergraph.formats.tensor_slices import TensorSliceReader

_LOG = logging.getLogger("evergraph")
_SHOWN = 10


class Checkpoint(Mapping[str, np.ndarray[Any, Any]]):
    """An open checkpoint: a read-only mapping from the names of tensors to their values.

    A value is read when it is asked for, and is the caller's own array. Strings are arrays of
    bytes objects. Several threads may read. Made by `open_checkpoint`; may be used in a ``with``
    statement, and closes itself when nobody uses it any more.

    Attributes:
        prefix: the beginning of its files' names.
        format_version: 2 or 1.
        notice: what had to be assumed to find it, or an empty string.
    """

    def __init__(self, prefix: str, format_version: int, notice: str = "") -> None:
        self.prefix = prefix
        self.format_version = format_version
        self.notice = notice
        self._reader: BundleReader | TensorSliceReader
        if format_version == 2:
            self._reader = BundleReader(prefix)
        else:
            from evergraph.formats.tensor_slices import TensorSliceReader

            self._reader = TensorSliceReader(prefix)

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        """The value of a tensor.

        Raises:
            KeyNotFoundError (a KeyError): there is no such tensor; the message names the nearest.
            DataLossError: its bytes are damaged.
        """
        return self._reader.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._reader.names())

    def __len__(self) -> int:
        return len(self._reader)

    def __contains__(self, name: object) -> bool:
        return name in self._reader

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a tensor, or ``default`` if there is none of this name."""
        if name in self:
            return self[name]
        return default

    def info(self, name: str) -> TensorInfo:
        """Type, shape, size and slices of a tensor, without reading it."""
        return self._reader.info(name)

    def dtype(self, name: str) -> DType:
        """The type of a tensor (``.as_numpy_dtype`` is NumPy's)."""
        return self.info(name).dtype

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return self.info(name).shape

    @property
    def tensors(self) -> list[TensorInfo]:
        """What is known of every tensor without reading any, sorted by name."""
        return [self.info(name) for name in self]

    @property
    def nbytes(self) -> int:
        """How many bytes all tensors take together."""
        return sum(info.nbytes for info in self.tensors)

    def read_slice(self, name: str, part: TensorSlice | str) -> np.ndarray[Any, Any]:
        """A part of a tensor, such as ``"0,10:-"`` (the first ten rows).

        Of a partitioned variable, only the slices that the part touches are read.
        """
        box = TensorSlice.parse(part) if isinstance(part, str) else part
        return self._reader.read_slice(name, box)

    def close(self) -> None:
        """Gives the files back; reading is over."""
        self._reader.close()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    # Two checkpoints are not compared value by value by accident.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        head = f"<Checkpoint {self.prefix!r}, format V{self.format_version}"
        try:
            names = list(self)
        except errors.OpError as error:
            return f"{head}: {error.message}>"
        lines = [f"{head}, {len(names)} tensors"]
        for name in names[:_SHOWN]:
            try:
                info = self.info(name)
                lines.append(f"  {name}  {info.dtype.name} {list(info.shape)}")
            except errors.OpError:
                lines.append(f"  {name}  damaged")
        if len(names) > _SHOWN:
            lines.append(f"  ... and {len(names) - _SHOWN} more")
        return "\n".join(lines) + ">"


def open_checkpoint(path: Path) -> Checkpoint:
    """Opens a checkpoint for reading.

    Only the index is read; `Checkpoint` reads a tensor when it is asked for.

        with evergraph.open_checkpoint("runs/model.ckpt-2000") as ckpt:
            kernel = ckpt["conv_1/kernel"]

    Args:
        path: the prefix, any of the checkpoint's files, its folder (the newest checkpoint that is
            whole, by the state file), or a SavedModel's folder; on a disk or in a remote store
            (``s3://bucket/runs``), where a tensor costs its own bytes.

    Raises:
        NotFoundError (a FileNotFoundError): there is none; the message says what is there.
        DataLossError: the files are damaged, or are something else.
    """
    found = find_checkpoint(path)
    if found.notice:
        _LOG.warning("%s", found.notice)
    return Checkpoint(found.prefix, found.version, found.notice)


def save_checkpoint(
    prefix: Path,
    tensors: Mapping[str, Any],
    *,
    durability: Durability = "full",
    update_state: bool = False,
) -> str:
    """Writes a checkpoint that TensorFlow (and `open_checkpoint`) reads, format V2, all or nothing.

    A checkpoint that is there under this prefix is replaced. The data is in the order of the
    mapping, and the files are byte for byte TensorFlow's.

    Args:
        prefix: path and beginning of the file names; folders are made. In a remote store
            (``gs://bucket/model.ckpt``) the index makes the checkpoint, and is uploaded last.
        tensors: names and values: arrays, or what ``tf.constant`` takes (numbers become float32 or
            int32, text becomes a string tensor).
        durability: ``full``: when this returns, a power failure harms nothing; ``none``: fastest,
            and still safe when the process is killed.
        update_state: also name it as the newest in the folder's state file.

    Returns:
        The prefix.

    Raises:
        InvalidArgumentError: a name or value cannot be stored, or the prefix cannot be one.
        ResourceExhaustedError: the disk is full. What was there before is still there.
    """
    text = plain_path(prefix)
    folder, name = paths.split(text)
    if not name or prefix_of(text) is not None or filesystem(text).is_folder(text):
        raise errors.InvalidValueError(
            None,
            None,
            f"{text!r} cannot be a checkpoint's prefix, which is how its files' names begin, such "
            "as 'folder/model.ckpt'.",
        )
    state_path = checkpoint_state.state_path(folder)
    if update_state and text == state_path:
        raise errors.InvalidValueError(
            None, None, f"The prefix {text!r} is the name of the state file: choose another one."
        )
    expected = 0
    if isinstance(tensors, dict):
        expected = sum(int(getattr(value, "nbytes", 0)) for value in tensors.values())
    with BundleWriter(text, durability, expected) as writer:
        for key in tensors:
            writer.add(key, tensors[key])
    if update_state:
        state = checkpoint_state.format_state(_next_state(folder, name, state_path))
        publish_bytes(state_path, state.encode(), durability)
    return text


def _next_state(folder: str, name: str, path: str) -> checkpoint_state.CheckpointState:
    """The state of a folder after ``name`` was saved: what it kept, then this."""
    kept: list[str] = []
    times: list[float] = []
    if filesystem(path).exists(path):
        with filesystem(path).open(path, "rb") as file:
            old = checkpoint_state.parse(file.read(), path)
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
