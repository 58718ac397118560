"""Printing in a run: tf.Print, which hands on what it is given, and tf.print, an operation of its own."""

from __future__ import annotations

import logging
import pprint
import random
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import nest
from evergraph.graph.operation import Operation
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.value_text import summary, summary_v2


class _Counter:
    """How often a Print has printed in its session."""

    __slots__ = ("value",)

    def __init__(self):
        self.value = 0


@op("Print", "input: T, data: U -> output: T", T="type", U="list(type) >= 0",
    message="string = ''", first_n=-1, summarize=3, stateful=True)  # fmt: skip
class Print:
    shape = shape_rules.unchanged

    def compute(ctx, input, data, *, message, first_n, summarize):
        if first_n >= 0:
            counter = ctx.state(_Counter)
            counter.value += 1
            if counter.value > first_n:
                return input
        text = "".join(f"[{summary(value, summarize)}]" for value in data)
        print(message + text, file=sys.stderr, flush=True)
        return input

    def gradient(op, grad):
        return [grad, *[None] * (len(op.inputs) - 1)]


#: What ``log(...)`` of a graph may name.
_LOG_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


@op("PrintV2", "input: string ->", output_stream="string = 'stderr'", end="string = '\\n'",
    stateful=True)  # fmt: skip
class PrintV2:
    def compute(ctx, input, *, output_stream, end):
        if np.ndim(input):
            raise errors.InvalidArgumentError(
                None, None, f"Expected a scalar for input, got shape {list(np.shape(input))}"
            )
        data = input.item() if isinstance(input, np.ndarray) else input
        text = data.decode("utf-8", "replace") + end
        if output_stream.startswith("file://"):
            ctx.require("files")
            with open(output_stream[7:], "a", encoding="utf-8") as file:
                file.write(text)
        elif output_stream.startswith("log("):
            level = _LOG_LEVELS.get(output_stream[4:-1], logging.INFO)
            logging.getLogger("tensorflow").log(level, "%s", text.rstrip("\n"))
        else:
            stream = sys.stdout if output_stream == "stdout" else sys.stderr
            print(text, end="", file=stream, flush=True)

    gradient = None


@op("StringFormat", "inputs: T -> output: string", T="list(type) >= 0", template="string = '%s'",
    placeholder="string = '%s'", summarize=3, host=True)  # fmt: skip
class StringFormat:
    def shape(c):
        found = c["template"].count(c["placeholder"])
        if found != len(c.tensors(0)):
            raise ValueError(
                f"num placeholders in template and num inputs must match: {found} vs. {len(c.tensors(0))}"
            )
        return ()

    def compute(xp, inputs, *, template, placeholder, summarize):
        parts = template.split(placeholder)
        texts = [summary_v2(value, summarize) for value in inputs]
        text = parts[0] + "".join(a + b for a, b in zip(texts, parts[1:], strict=True))
        result = np.empty((), object)
        result[()] = text.encode()
        return result


def print_(
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """``input_``; a run that computes it prints the tensors ``data`` to standard error (``tf.Print``).

    ``message`` comes first; ``first_n``: only so many times; ``summarize``: only so many elements of each (3).
    """
    return Print(input_, data, message=message, first_n=first_n, summarize=summarize, name=name)


_LEVELS = {logging.INFO: "log(info)", logging.WARNING: "log(warning)", logging.ERROR: "log(error)"}
_LEVEL_FUNCTIONS = {
    "info": "log(info)",
    "warning": "log(warning)",
    "warn": "log(warning)",
    "error": "log(error)",
}


def _stream_name(stream: Any) -> str:
    """How PrintV2 names ``stream``. Raises ValueError for one that it cannot print to."""
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    if stream is sys.stdout:
        return "stdout"
    if stream is sys.stderr:
        return "stderr"
    if isinstance(stream, int) and stream in _LEVELS:
        return _LEVELS[stream]
    found = _LEVEL_FUNCTIONS.get(getattr(stream, "__name__", ""))
    if found is None:
        raise ValueError(
            f"Unsupported output stream, logging level, or file.{stream}. "
            "Supported streams are sys.stdout, sys.stderr, tf.logging.info, tf.logging.warning, tf.logging.error. "
            "File needs to be in the form of 'file://<filepath>'."
        )
    return found


def print_v2(
    *inputs: Any,
    output_stream: Any = sys.stderr,
    summarize: int | None = 3,
    sep: str = " ",
    end: str = "\n",
    name: str | None = None,
) -> Operation:
    """An operation that prints ``inputs`` when it runs: tensors, structures of them, and anything else (``tf.print``).

    Args:
      output_stream: sys.stderr, sys.stdout, a logging level or function, or ``file://path``.
      summarize: how many elements at both ends of each dimension (-1: all).
      sep, end: what stands between and after.

    Raises:
      ValueError: an output stream that there is not.
    """
    stream = _stream_name(output_stream)
    only = inputs[0] if len(inputs) == 1 else None
    if isinstance(only, Tensor) and only.dims == () and only.dtype == dtypes.string:
        text: Any = only
    else:
        text = _formatted(inputs, sep, summarize, f"{name}_format" if name else None)
    return PrintV2(text, output_stream=stream, name=name, end=end)


def _formatted(inputs: Sequence[Any], sep: str, summarize: int | None, name: str | None) -> Tensor:
    ordered = [
        OrderedDict(sorted(value.items())) if isinstance(value, OrderedDict) else value
        for value in inputs
    ]
    without = nest.map_structure(lambda x: "" if isinstance(x, Tensor) else x, ordered)
    placeholder = _unused("{}", " ".join(pprint.pformat(x) for x in without))
    tensors: list[Tensor] = []
    templates = []
    for value in inputs:
        leaves = nest.flatten(value)
        tensors.extend(leaf for leaf in leaves if isinstance(leaf, Tensor))
        marked = [placeholder if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        packed = nest.pack_sequence_as(value, marked)
        templates.append(value if isinstance(value, str) else pprint.pformat(packed))
    template = sep.join(templates).replace(f"'{placeholder}'", placeholder)
    return StringFormat(
        tensors, template=template, placeholder=placeholder, summarize=summarize, name=name
    )


def _unused(placeholder: str, text: str) -> str:
    """``placeholder``, lengthened by digits until it does not occur in ``text``, as TensorFlow draws them."""
    draws = random.Random(5)
    while placeholder in text:
        placeholder += str(draws.randint(0, 9))
    return placeholder


def string_format(
    template: str,
    inputs: Any,
    placeholder: str = "{}",
    summarize: int = 3,
    name: str | None = None,
) -> Tensor:
    """``template`` with the ``inputs`` (a tensor or a list) in place of the placeholders (``tf.strings.format``).

    Raises ValueError where their numbers differ.
    """
    from evergraph.graph.conversion import convert_to_tensor

    if not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    if template.count(placeholder) != len(inputs):
        raise ValueError(
            f"The template expects {template.count(placeholder)} tensors, but the inputs only has {len(inputs)}. "
            "Please ensure the number of placeholders in template matches inputs length."
        )
    tensors = [convert_to_tensor(value) for value in inputs]
    return StringFormat(
        tensors, template=template, placeholder=placeholder, summarize=summarize, name=name
    )
