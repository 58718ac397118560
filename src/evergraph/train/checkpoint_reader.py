"""Checkpoints without a graph, in TensorFlow's words: ``tf.train.NewCheckpointReader`` and its company."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.formats.checkpoint import Checkpoint, open_checkpoint
from evergraph.formats.dtypes import DType


class CheckpointReader:
    """What a checkpoint holds: names, shapes, types and values.

    Attributes:
      prefix: the path that stands for the checkpoint.
    """

    def __init__(self, filepattern: Any) -> None:
        self._checkpoint = open_checkpoint(filepattern)
        self.prefix = self._checkpoint.prefix

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Name -> shape, as a list."""
        return {info.name: list(info.shape) for info in self._checkpoint.tensors}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Name -> element type."""
        return {info.name: info.dtype for info in self._checkpoint.tensors}

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether there is a tensor of this name."""
        return tensor_str in self._checkpoint

    def get_tensor(self, tensor_str: str) -> np.ndarray[Any, Any]:
        """The value of a tensor. Raises NotFoundError, with the nearest names, where there is none."""
        return self._checkpoint[tensor_str]

    def debug_string(self) -> bytes:
        """A line a tensor: name, type, shape."""
        return "".join(
            f"{info.name} (DT_{info.dtype.name.upper()}) [{','.join(map(str, info.shape))}]\n"
            for info in self._checkpoint.tensors
        ).encode()


def new_checkpoint_reader(filepattern: Any) -> CheckpointReader:
    """Opens a checkpoint: a prefix or any of its files.

    Raises NotFoundError where there is none, DataLossError where it is damaged.
    """
    return CheckpointReader(filepattern)


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """Opens a checkpoint, or the latest one in a folder. Raises NotFoundError, DataLossError."""
    return CheckpointReader(ckpt_dir_or_file)


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray[Any, Any]:
    """The value of one variable; ``:0`` at the end of its name is taken off. Raises NotFoundError, DataLossError."""
    with open_checkpoint(ckpt_dir_or_file) as checkpoint:
        return checkpoint[name.removesuffix(":0")]


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Names and shapes of the variables in a checkpoint, sorted. Raises NotFoundError, DataLossError."""
    with open_checkpoint(ckpt_dir_or_file) as checkpoint:
        return sorted((info.name, list(info.shape)) for info in checkpoint.tensors)


def print_tensors_in_checkpoint_file(
    file_name: Any,
    tensor_name: str | None = None,
    all_tensors: bool = False,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Prints what a checkpoint holds: one tensor's value, all values, or names and shapes only."""
    with open_checkpoint(file_name) as checkpoint:
        if tensor_name and not all_tensors:
            _print_value(checkpoint, tensor_name)
        elif all_tensors or all_tensor_names:
            for name in sorted(checkpoint):
                if all_tensors:
                    _print_value(checkpoint, name)
                else:
                    print("tensor_name: ", name)
        else:
            for info in checkpoint.tensors:
                print(f"{info.name} ({info.dtype.name}) {list(info.shape)}")


def _print_value(checkpoint: Checkpoint, name: str) -> None:
    print("tensor_name: ", name)
    print(checkpoint[name])
