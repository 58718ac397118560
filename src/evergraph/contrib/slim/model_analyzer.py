"""``tf.contrib.slim.model_analyzer``: how large a graph's tensors and variables are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evergraph.graph.graph import Graph

_LINE = "---------"


def tensor_description(var: Any) -> str:
    """Type and sizes, as ``(float32 1x8x8x1024)``."""
    dims = var.get_shape().dims or ()
    return f"({var.dtype.name} {'x'.join(str(size) for size in dims)})"


def analyze_ops(graph: Graph, print_info: bool = False) -> int:
    """How many elements the outputs of a graph's operations have, as far as that is known; with ``print_info`` a line
    for each operation.
    """
    if print_info:
        print(_LINE, "Operations: name -> (type shapes) [size]", _LINE, sep="\n")
    total = 0
    for op in graph.get_operations():
        size = sum(output.get_shape().num_elements() or 0 for output in op.outputs)
        total += size
        if print_info:
            shapes = [tensor_description(output) for output in op.outputs if output.get_shape()]
            print(op.name, "\t->", ", ".join(shapes), f"[{size}]")
    return total


def analyze_vars(variables: Iterable[Any], print_info: bool = False) -> tuple[int, int]:
    """How many elements variables have together, and how many bytes; with ``print_info`` a line for each."""
    if print_info:
        print(_LINE, "Variables: name (type shape) [size]", _LINE, sep="\n")
    total_size = total_bytes = 0
    for var in variables:
        size = var.get_shape().num_elements() or 0
        total_size += size
        total_bytes += size * var.dtype.size
        if print_info:
            print(var.name, tensor_description(var), f"[{size}, bytes: {size * var.dtype.size}]")
    if print_info:
        print(f"Total size of variables: {total_size}")
        print(f"Total bytes of variables: {total_bytes}")
    return total_size, total_bytes
