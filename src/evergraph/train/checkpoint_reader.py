"""Checkpoints without a graph, in TensorFlow's words: ``tf.train.NewCheckpointReader`` and its company."""

from __future__ import annotations

from typing import Any

from evergraph import errors
from evergraph.formats.bundle import decode_name
from evergraph.formats.checkpoint import Checkpoint, open_checkpoint
from evergraph.formats.dtypes import DType
from evergraph.storage import gfile


class CheckpointReader:
    """What a checkpoint holds: names, shapes, types and values.

    Attributes:
      prefix: the path that stands for the checkpoint.
    """

    def __init__(self, filepattern: Any) -> None:
        self._checkpoint = open_checkpoint_at(filepattern)
        self.prefix = self._checkpoint.prefix

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Name -> shape, as a list."""
        return {info.name: list(info.shape) for info in self._checkpoint.tensors}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Name -> element type."""
        return {info.name: info.dtype for info in self._checkpoint.tensors}

    def has_tensor(self, tensor_str: str | bytes) -> bool:
        """Whether there is a tensor of this name."""
        return _name(tensor_str) in self._checkpoint

    def get_tensor(self, tensor_str: str | bytes) -> Any:
        """The value of a tensor: an array, or a NumPy scalar (of a string: bytes) where it has no axes.

        Raises:
          NotFoundError: there is no such tensor; the message has the nearest names.
          DataLossError: its bytes are damaged.
        """
        return _value(self._checkpoint, _name(tensor_str))

    def debug_string(self) -> bytes:
        """A line for each stored tensor, byte for byte TensorFlow's (see ``evergraph.train.debug_string``)."""
        from evergraph.train import debug_string

        of = debug_string.of_v2 if self._checkpoint.format_version == 2 else debug_string.of_v1
        return of(self.prefix)


def _name(name: str | bytes) -> str:
    return decode_name(name) if isinstance(name, bytes) else name


def _value(checkpoint: Checkpoint, name: str) -> Any:
    value = checkpoint[name]
    return value if value.ndim else value[()]


def open_checkpoint_at(path: Any) -> Checkpoint:
    """Opens a checkpoint, or the latest one in a folder.

    Raises TypeError for None, otherwise as ``load_checkpoint``.
    """
    if path is None:
        raise TypeError(
            "Expected binary or unicode string, got None. (tf.train.latest_checkpoint gives None where a folder has "
            "no checkpoint.)"
        )
    try:
        return open_checkpoint(path)
    except errors.FileMissingError as error:
        if gfile.IsDirectory(path):
            # What TensorFlow raises for a folder without a checkpoint, and what programs catch, is a ValueError.
            raise errors.NoCheckpointError(None, None, error.message) from None
        raise


def new_checkpoint_reader(filepattern: Any) -> CheckpointReader:
    """Opens a checkpoint: a prefix or any of its files.

    Raises NotFoundError where there is none, DataLossError where it is damaged.
    """
    return CheckpointReader(filepattern)


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """Opens a checkpoint, or the latest one in a folder.

    Raises NotFoundError where there is none (in a folder, that is a ValueError too), DataLossError.
    """
    return CheckpointReader(ckpt_dir_or_file)


def load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    """The value of one variable, as ``CheckpointReader.get_tensor`` gives it; ``:0`` at the end of its name is
    taken off.

    Raises NotFoundError, DataLossError; ValueError as ``load_checkpoint``.
    """
    with open_checkpoint_at(ckpt_dir_or_file) as checkpoint:
        return _value(checkpoint, name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Names and shapes of the variables in a checkpoint, sorted. Raises as ``load_checkpoint``."""
    with open_checkpoint_at(ckpt_dir_or_file) as checkpoint:
        return sorted((info.name, list(info.shape)) for info in checkpoint.tensors)
