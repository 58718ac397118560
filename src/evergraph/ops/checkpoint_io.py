"""Checkpoints as ops: SaveV2, RestoreV2, and those of the first format (V1)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import part_names
from evergraph.formats.bundle_increment import bundle_writer
from evergraph.formats.bundle_merge import merge_bundles
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.checkpoint import Checkpoint, open_checkpoint
from evergraph.formats.dtypes import DType
from evergraph.formats.name_order import name_order
from evergraph.formats.pinned_array import PinnedArray
from evergraph.formats.tensor_info import TensorInfo
from evergraph.formats.tensor_slice import WHOLE, parse_shape_and_slice
from evergraph.formats.tensor_slices_writer import TensorSliceWriter
from evergraph.graph import room
from evergraph.graph import shape as shapes
from evergraph.graph.attributes import to_text
from evergraph.graph.kernel import KernelContext
from evergraph.graph.operation import Operation
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.nearest import nearest
from evergraph.ops.cells import Handover, RefCell
from evergraph.ops.shape_rules import unknown
from evergraph.storage.filesystem import filesystem

_MOST_LISTED = 20
_MOST_READERS = 4
_MANY_BYTES = 32 << 20
# Below it, handing a tensor to a thread costs more than reading it.
_LARGE_BYTES = 256 << 10
#: The ops that write tensors of a graph into a checkpoint.
SAVE_OPS = frozenset(("Save", "SaveSlices", "SaveV2"))


def _text(value: Any) -> str:
    return to_text(np.asarray(value).item())


def _texts(values: Any) -> list[str]:
    return [to_text(value) for value in np.asarray(values).reshape(-1)]


def _one(value: Any, what: str) -> str:
    """The single string in ``value``. Raises InvalidArgumentError where there are more."""
    if np.size(value) != 1:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Input {what} should be a single string, got shape {shapes.text(np.shape(value))}",
        )
    return _texts(value)[0]


def _check_lists(c: Any, first: int, count: int) -> None:
    """The static rule of arguments that are vectors with an entry for each of ``count`` tensors."""
    for i in range(first, first + 2):
        shapes.merge(shapes.with_rank(c.shape(i), 1), (count,))


def _check_counts(names: Sequence[str], specs: Sequence[str], count: int) -> None:
    if len(names) != count:
        raise errors.InvalidArgumentError(
            None, None, f"Got {len(names)} tensor names but {count} tensors."
        )
    if len(specs) != count:
        raise errors.InvalidArgumentError(
            None, None, f"Got {len(specs)} shapes and slices but {count} tensors."
        )


@op(
    "SaveV2",
    "prefix: string, tensor_names: string, shape_and_slices: string, tensors: dtypes ->",
    dtypes="list(type) >= 1",
    stateful=True,
    host=True,
)
class SaveV2:
    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        _check_lists(c, 1, len(c["dtypes"]))
        return []

    def compute(ctx, prefix, tensor_names, shape_and_slices, tensors):
        ctx.require("files")
        names, specs = _texts(tensor_names), _texts(shape_and_slices)
        _check_counts(names, specs, len(tensors))
        path = _one(prefix, "prefix")
        with bundle_writer(path, expected_bytes=_size(tensors)) as writer:
            _add_all(ctx, writer, names, specs, tensors, range(len(names)))


_NO_ELEMENT = bytes(16)  # as long as the longest of numbers


class PinnedInput(np.ndarray[Any, Any]):
    """What is fed to an op that saves in place of a value of an earlier moment: of its type and shape, without memory.

    Attributes:
        pinned: the value.
    """

    pinned: PinnedArray


def pinned_input(value: PinnedArray) -> PinnedInput:
    """The input that makes an op save ``value``."""
    strides = (0,) * value.ndim  # all elements are one
    made = np.ndarray.__new__(PinnedInput, value.shape, value.dtype, _NO_ELEMENT, 0, strides)
    made.pinned = value
    return made


def _size(tensors: Sequence[Any]) -> int:
    return sum(int(np.asarray(tensor).nbytes) for tensor in tensors)


def _add_all(
    ctx: KernelContext,
    writer: BundleWriter | TensorSliceWriter,
    names: Sequence[str],
    specs: Sequence[str],
    tensors: Sequence[Any],
    order: Iterable[int],
) -> None:
    """Adds the tensors, which are the last inputs of the operation, to a checkpoint."""
    sources = saved_inputs(ctx.op)
    for i in order:
        value = tensors[i].pinned if isinstance(tensors[i], PinnedInput) else tensors[i]
        with _unchanging(ctx, sources[i], value):
            if specs[i]:
                writer.add_slice(names[i], *parse_shape_and_slice(specs[i]), value)
            else:
                writer.add(names[i], value)


def saved_inputs(op: Operation) -> Sequence[Tensor]:
    """The inputs of one of `SAVE_OPS` that are saved: the last ones, as many as it has types."""
    key = "dtypes" if op.type == "SaveV2" else "T"
    return op.inputs[-len(op.attrs[key]) :]


@contextmanager
def _unchanging(ctx: KernelContext, source: Tensor, value: Any) -> Iterator[None]:
    """While held, no other run writes to the memory of ``value``, where that is the buffer of a reference variable.

    A training thread may go on while this one saves. What is pinned stays by itself.
    """
    if isinstance(value, PinnedArray):
        yield
        return
    with ExitStack() as held:
        for op in _variables_behind(source):
            cell = ctx.find_resource(op.attrs["container"], op.attrs["shared_name"] or op.name)
            # Many ops give views: of what is computed from a variable, its memory tells.
            if (
                isinstance(cell, RefCell)
                and cell.buffer is not None
                and np.may_share_memory(value, cell.buffer)
            ):
                held.enter_context(cell.lock.first())
        yield


def _variables_behind(tensor: Tensor) -> Iterator[Operation]:
    """The reference variables that a value is, or is computed from."""
    stack, seen = [tensor.op], set()
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        if op.type in ("Variable", "VariableV2"):
            yield op
        stack.extend(source.op for source in op.inputs)


@op(
    "RestoreV2",
    "prefix: string, tensor_names: string, shape_and_slices: string -> tensors: dtypes",
    dtypes="list(type) >= 1",
    stateful=True,
    host=True,
)
class RestoreV2:
    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        _check_lists(c, 1, len(c["dtypes"]))
        specs = c.value(2)
        if specs is None:
            return [None] * c.output_count
        return [_slice_shape(spec) for spec in _texts(specs)]

    def compute(ctx, prefix, tensor_names, shape_and_slices, *, dtypes):
        ctx.require("files")
        names, specs = _texts(tensor_names), _texts(shape_and_slices)
        _check_counts(names, specs, len(dtypes))
        with open_checkpoint(_one(prefix, "prefix")) as checkpoint:
            _check_names(checkpoint, names)
            values = _read_all(checkpoint, names, specs, dtypes)
            return [
                _for_its_variable(value, tensor)
                for value, tensor in zip(values, ctx.op.outputs, strict=True)
            ]


def _read_all(
    checkpoint: Checkpoint, names: Sequence[str], specs: Sequence[str], dtypes: Sequence[DType]
) -> list[Any]:
    """The tensors. Where there are many bytes, several threads read large ones: that does not hold Python's lock."""
    read = partial(_read, checkpoint)
    infos = [checkpoint.info(name) for name in names]
    wanted = list(zip(infos, specs, dtypes, strict=True))
    sizes = [info.nbytes for info in infos]
    room.reserve(sum(sizes))  # Many names may mean the same bytes of a small file.
    large = [i for i, size in enumerate(sizes) if size >= _LARGE_BYTES]
    readers = min(_MOST_READERS, os.cpu_count() or 1, len(large))
    if readers < 2 or sum(sizes[i] for i in large) < _MANY_BYTES:
        return [read(*each) for each in wanted]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(readers, "evergraph-restore") as pool:
        started = {i: pool.submit(read, *wanted[i]) for i in large}
        return [
            started[i].result() if i in started else read(*each) for i, each in enumerate(wanted)
        ]


def _for_its_variable(value: Any, tensor: Tensor) -> Any:
    """``value``, given away where assigning it to a variable is all that is done with ``tensor``."""
    users = tensor.consumers()
    if len(users) == 1 and users[0].type == "Identity":
        users = users[0].outputs[0].consumers()
    if len(users) == 1 and users[0].type in ("Assign", "AssignVariableOp"):
        return value.view(Handover)
    return value


def _slice_shape(spec: str) -> Dims:
    """The shape of what is read by a shape and slice; unknown for all of a tensor."""
    if not spec:
        return None
    whole, box = parse_shape_and_slice(spec)
    return tuple(
        size if length == WHOLE else length
        for size, (_, length) in zip(whole, box.extents, strict=True)
    )


def _check_names(checkpoint: Checkpoint, names: Sequence[str]) -> None:
    """Raises KeyNotFoundError, with all that are missing and what is near them."""
    wanted = list(dict.fromkeys(names))
    missing = [name for name in wanted if name not in checkpoint]
    if missing:
        lines = [*_missing_lines(checkpoint, missing, len(wanted))]
        lines += part_names.hints(missing, checkpoint)
        raise errors.KeyNotFoundError(None, None, "\n".join(lines))


def _missing_lines(checkpoint: Checkpoint, missing: Sequence[str], wanted: int) -> Iterator[str]:
    first = f"Key {missing[0]} not found in checkpoint {checkpoint.prefix}"
    near = nearest(missing[0], checkpoint)
    hint = f" (near: {', '.join(near)})" if near else ""
    if len(missing) == 1:
        yield f"{first}, which has {len(checkpoint)} tensors{hint}"
        return
    yield f"{first}{hint}. {len(missing)} of the {wanted} names wanted are missing:"
    for name in missing[:_MOST_LISTED]:
        near = nearest(name, checkpoint)
        yield f"  {name}" + (f"  (near: {', '.join(near)})" if near else "")
    if len(missing) > _MOST_LISTED:
        yield f"  ... and {len(missing) - _MOST_LISTED} more"


def _read(checkpoint: Checkpoint, info: TensorInfo, spec: str, dtype: DType) -> Any:
    if info.dtype is not dtype:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"tensor_name = {info.name}; expected dtype {dtype.name} does not equal original dtype "
            f"{info.dtype.name} (in checkpoint {checkpoint.prefix})",
        )
    if not spec:
        return checkpoint[info.name]
    whole, box = parse_shape_and_slice(spec)
    if whole != info.shape:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"tensor_name = {info.name}; shape in shape_and_slice spec {shapes.text(whole)} does not "
            f"match the shape stored in checkpoint: {shapes.text(info.shape)}",
        )
    return checkpoint.read_slice(info.name, box, verify=True)


@op(
    "MergeV2Checkpoints",
    "checkpoint_prefixes: string, destination_prefix: string ->",
    delete_old_dirs=True,
    allow_missing_files=False,
    stateful=True,
    host=True,
)
class MergeV2Checkpoints:
    def shape(c):
        shapes.with_rank(c.shape(0), 1)
        shapes.with_rank(c.shape(1), 0)
        return []

    def compute(
        ctx, checkpoint_prefixes, destination_prefix, *, delete_old_dirs, allow_missing_files
    ):
        ctx.require("files")
        parts = _texts(checkpoint_prefixes)
        if allow_missing_files:
            parts = [part for part in parts if filesystem(part).exists(f"{part}.index")]
        merge_bundles(
            parts, _one(destination_prefix, "destination_prefix"), delete_old_dirs=delete_old_dirs
        )


def _scalars_in(c: Any) -> Dims:
    for tensor in c.op.inputs:
        shapes.with_rank(tensor.dims, 0)
    return ()


@op(
    "ShardedFilename",
    "basename: string, shard: int32, num_shards: int32 -> filename: string",
    host=True,
)
class ShardedFilename:
    def shape(c):
        return _scalars_in(c)

    def compute(xp, basename, shard, num_shards):
        name = f"{_text(basename)}-{int(shard):05d}-of-{int(num_shards):05d}"
        return _string(name)


@op("ShardedFilespec", "basename: string, num_shards: int32 -> filename: string", host=True)
class ShardedFilespec:
    def shape(c):
        return _scalars_in(c)

    def compute(xp, basename, num_shards):
        return _string(f"{_text(basename)}-?????-of-{int(num_shards):05d}")


def _string(text: str) -> Any:
    result = np.empty((), object)
    result[()] = text.encode("utf-8", "surrogateescape")
    return result


# --------------------------------------------------------------------------------- the first format


@op(
    "Save",
    "filename: string, tensor_names: string, data: T ->",
    T="list(type) >= 1",
    stateful=True,
    host=True,
)
class Save:
    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        shapes.merge(shapes.with_rank(c.shape(1), 1), (len(c["T"]),))
        return []

    def compute(ctx, filename, tensor_names, data):
        _save_v1(ctx, filename, _texts(tensor_names), [""] * len(data), data)


@op(
    "SaveSlices",
    "filename: string, tensor_names: string, shapes_and_slices: string, data: T ->",
    T="list(type) >= 1",
    stateful=True,
    host=True,
)
class SaveSlices:
    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        _check_lists(c, 1, len(c["T"]))
        return []

    def compute(ctx, filename, tensor_names, shapes_and_slices, data):
        _save_v1(ctx, filename, _texts(tensor_names), _texts(shapes_and_slices), data)


def _save_v1(
    ctx: KernelContext,
    filename: Any,
    names: Sequence[str],
    specs: Sequence[str],
    tensors: Sequence[Any],
) -> None:
    ctx.require("files")
    _check_counts(names, specs, len(tensors))
    path = _one(filename, "filename")
    # In the order of their names, as TensorFlow lists them in the file's metadata.
    order = name_order(names)
    with TensorSliceWriter(path, expected_bytes=_size(tensors)) as writer:
        _add_all(ctx, writer, names, specs, tensors, order)


@op(
    "Restore",
    "file_pattern: string, tensor_name: string -> tensor: dt",
    dt="type",
    preferred_shard=-1,
    stateful=True,
    host=True,
)
class Restore:
    def shape(c):
        _scalars_in(c)
        return unknown(c)

    def compute(ctx, file_pattern, tensor_name, *, dt):
        ctx.require("files")
        return _restore_one(file_pattern, tensor_name, "", dt)


@op(
    "RestoreSlice",
    "file_pattern: string, tensor_name: string, shape_and_slice: string -> tensor: dt",
    dt="type",
    preferred_shard=-1,
    stateful=True,
    host=True,
)
class RestoreSlice:
    def shape(c):
        _scalars_in(c)
        spec = c.value(2)
        return None if spec is None else _slice_shape(_text(spec))

    def compute(ctx, file_pattern, tensor_name, shape_and_slice, *, dt):
        ctx.require("files")
        return _restore_one(file_pattern, tensor_name, _one(shape_and_slice, "shape_and_slice"), dt)


def _restore_one(file_pattern: Any, tensor_name: Any, spec: str, dtype: DType) -> Any:
    name = _one(tensor_name, "tensor_name")
    with open_checkpoint(_one(file_pattern, "file_pattern")) as checkpoint:
        _check_names(checkpoint, [name])
        return _read(checkpoint, checkpoint.info(name), spec, dtype)
