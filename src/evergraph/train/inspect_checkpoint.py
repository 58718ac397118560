"""What ``tensorflow.python.tools.inspect_checkpoint`` prints; ``evergraph inspect`` shows more."""

from __future__ import annotations

import math
import re
from typing import Any

from evergraph import errors
from evergraph.train.checkpoint_reader import CheckpointReader


def print_tensors_in_checkpoint_file(
    file_name: Any,
    tensor_name: str | None = None,
    all_tensors: bool = False,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Prints what a checkpoint holds, then how many numbers that is.

    With ``all_tensors`` every tensor and its value, with ``all_tensor_names`` without the values, with
    ``tensor_name`` that tensor; otherwise the lines of ``CheckpointReader.debug_string``. Tensors whose names the
    regular expression ``count_exclude_pattern`` matches are not counted. What cannot be read is printed as a
    sentence, not raised.
    """
    try:
        reader = CheckpointReader(file_name)
        if all_tensors or all_tensor_names:
            for name in sorted(reader.get_variable_to_shape_map()):
                _print(reader, name, with_value=all_tensors)
        elif not tensor_name:
            print(reader.debug_string().decode("utf-8", errors="ignore"))
        elif reader.has_tensor(tensor_name):
            _print(reader, tensor_name, with_value=True)
        else:
            print(f"Tensor {tensor_name} not found in checkpoint")
            return
        print(f"# Total number of params: {_count_total_params(reader, count_exclude_pattern)}")
    except errors.OpError as error:
        print(error.message)


def _print(reader: CheckpointReader, name: str, with_value: bool) -> None:
    dtype = reader.get_variable_to_dtype_map()[name]
    print(f"tensor: {name} ({dtype.name}) {reader.get_variable_to_shape_map()[name]}")
    if with_value:
        try:
            print(reader.get_tensor(name))
        except errors.UnimplementedError:
            print("<not convertible to a numpy dtype>")


def _count_total_params(reader: CheckpointReader, count_exclude_pattern: str = "") -> int:
    sizes = {name: math.prod(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    if not count_exclude_pattern:
        return sum(sizes.values())
    excluded = [size for name, size in sizes.items() if re.search(count_exclude_pattern, name)]
    print(
        f"# Excluding {len(excluded)} tensors ({sum(excluded)} params) that match {count_exclude_pattern} "
        "when counting."
    )
    return sum(sizes.values()) - sum(excluded)
