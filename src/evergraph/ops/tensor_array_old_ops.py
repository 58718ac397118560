"""The ops of TensorArrays, first and second version: as graphs of TensorFlow 0.9 to 0.12 have them.

They do what those of the third version do; the handle is a string (a reference to one in the first) there, here it is
the array itself all the same.
"""

from __future__ import annotations

from evergraph.graph.registry import op
from evergraph.graph.shape import merge, with_rank
from evergraph.ops import shape_rules
from evergraph.ops.tensor_array_ops import (
    close,
    concat,
    concat_gradient,
    create,
    gather,
    gather_gradient,
    read,
    read_gradient,
    scatter,
    scatter_gradient,
    size_of,
    split,
    split_gradient,
    write,
    write_gradient,
)


def _flow_only(c):
    merge(c.shape(0), (2,))
    return ()


def _gradient_array(ctx, handle, flow_in, *, source):
    return handle.gradient(source)


def _pack(first, handle, flow_in, *, dtype, element_shape):
    return handle.gather(range(handle.size), dtype, element_shape)


def _unpack(first, handle, value, flow_in, *, T):
    handle.scatter(range(len(value)), value, T)
    return flow_in


@op("TensorArray", "size: int32 -> handle: Ref(string)", dtype="type", dynamic_size=False,
    clear_after_read=True, tensor_array_name="string = ''",
    element_shape="shape = { unknown_rank: true }", stateful=True)  # fmt: skip
class TensorArrayV1:
    shape = shape_rules.unknown

    def compute(
        ctx, size, *, dtype, dynamic_size, clear_after_read, tensor_array_name, element_shape
    ):
        return create(
            ctx, size, dtype=dtype, element_shape=element_shape, dynamic_size=dynamic_size,
            clear_after_read=clear_after_read, name=tensor_array_name or ctx.op.name,
            identical=False,
        )  # fmt: skip

    gradient = None


@op("TensorArrayGrad", "handle: string, flow_in: float -> grad_handle: Ref(string)",
    source="string", stateful=True)  # fmt: skip
class TensorArrayGrad:
    shape = shape_rules.unknown
    compute = _gradient_array
    gradient = None


@op("TensorArrayWrite",
    "handle: Ref(string), index: int32, value: T, flow_in: float -> flow_out: float", T="type",
    host=True)  # fmt: skip
class TensorArrayWrite:
    shape = shape_rules.unknown
    compute = write
    gradient = write_gradient


@op("TensorArrayRead", "handle: Ref(string), index: int32, flow_in: float -> value: dtype",
    dtype="type", host=True)  # fmt: skip
class TensorArrayRead:
    shape = shape_rules.unknown
    compute = read
    gradient = read_gradient


@op("TensorArrayPack", "handle: Ref(string), flow_in: float -> value: dtype", dtype="type",
    element_shape="shape = { unknown_rank: true }", host=True)  # fmt: skip
class TensorArrayPack:
    shape = shape_rules.unknown
    compute = _pack


@op("TensorArrayUnpack", "handle: Ref(string), value: T, flow_in: float -> flow_out: float",
    T="type", host=True)  # fmt: skip
class TensorArrayUnpack:
    shape = shape_rules.unknown
    compute = _unpack


@op("TensorArrayGather", "handle: Ref(string), indices: int32, flow_in: float -> value: dtype",
    dtype="type", element_shape="shape = { unknown_rank: true }", host=True)  # fmt: skip
class TensorArrayGather:
    shape = shape_rules.unknown
    compute = gather
    gradient = gather_gradient


@op("TensorArrayScatter",
    "handle: Ref(string), indices: int32, value: T, flow_in: float -> flow_out: float", T="type",
    host=True)  # fmt: skip
class TensorArrayScatter:
    shape = shape_rules.unknown
    compute = scatter
    gradient = scatter_gradient


@op("TensorArrayConcat", "handle: Ref(string), flow_in: float -> value: dtype, lengths: int64",
    dtype="type", element_shape_except0="shape = { unknown_rank: true }", host=True)  # fmt: skip
class TensorArrayConcat:
    shape = shape_rules.unknown
    compute = concat
    gradient = concat_gradient


@op("TensorArraySplit",
    "handle: Ref(string), value: T, lengths: int64, flow_in: float -> flow_out: float", T="type",
    host=True)  # fmt: skip
class TensorArraySplit:
    shape = shape_rules.unknown
    compute = split
    gradient = split_gradient


@op("TensorArraySize", "handle: Ref(string), flow_in: float -> size: int32", host=True)
class TensorArraySize:
    shape = shape_rules.unknown
    compute = size_of
    gradient = None


@op("TensorArrayClose", "handle: Ref(string) ->", host=True)
class TensorArrayClose:
    compute = close
    gradient = None


@op("TensorArrayV2", "size: int32 -> handle: string", dtype="type",
    element_shape="shape = { unknown_rank: true }", dynamic_size=False, clear_after_read=True,
    tensor_array_name="string = ''", stateful=True)  # fmt: skip
class TensorArrayV2:
    def shape(c):
        with_rank(c.shape(0), 0)
        return (2,)

    def compute(
        ctx, size, *, dtype, element_shape, dynamic_size, clear_after_read, tensor_array_name
    ):
        return create(
            ctx, size, dtype=dtype, element_shape=element_shape, dynamic_size=dynamic_size,
            clear_after_read=clear_after_read, name=tensor_array_name or ctx.op.name,
            identical=False,
        )  # fmt: skip

    gradient = None


@op("TensorArrayGradV2", "handle: string, flow_in: float -> grad_handle: string", source="string",
    stateful=True)  # fmt: skip
class TensorArrayGradV2:
    def shape(c):
        merge(c.shape(0), (2,))
        return (2,)

    compute = _gradient_array
    gradient = None


@op("TensorArrayWriteV2",
    "handle: string, index: int32, value: T, flow_in: float -> flow_out: float", T="type",
    host=True)  # fmt: skip
class TensorArrayWriteV2:
    shape = _flow_only
    compute = write
    gradient = write_gradient


@op("TensorArrayReadV2", "handle: string, index: int32, flow_in: float -> value: dtype",
    dtype="type", host=True)  # fmt: skip
class TensorArrayReadV2:
    shape = shape_rules.unknown
    compute = read
    gradient = read_gradient


@op("TensorArrayGatherV2", "handle: string, indices: int32, flow_in: float -> value: dtype",
    dtype="type", element_shape="shape = { unknown_rank: true }", host=True)  # fmt: skip
class TensorArrayGatherV2:
    shape = shape_rules.unknown
    compute = gather
    gradient = gather_gradient


@op("TensorArrayScatterV2",
    "handle: string, indices: int32, value: T, flow_in: float -> flow_out: float", T="type",
    host=True)  # fmt: skip
class TensorArrayScatterV2:
    shape = _flow_only
    compute = scatter
    gradient = scatter_gradient


@op("TensorArrayConcatV2", "handle: string, flow_in: float -> value: dtype, lengths: int64",
    dtype="type", element_shape_except0="shape = { unknown_rank: true }", host=True)  # fmt: skip
class TensorArrayConcatV2:
    def shape(c):
        merge(c.shape(0), (2,))
        return [None, (None,)]

    compute = concat
    gradient = concat_gradient


@op("TensorArraySplitV2",
    "handle: string, value: T, lengths: int64, flow_in: float -> flow_out: float", T="type",
    host=True)  # fmt: skip
class TensorArraySplitV2:
    shape = _flow_only
    compute = split
    gradient = split_gradient


@op("TensorArraySizeV2", "handle: string, flow_in: float -> size: int32", host=True)
class TensorArraySizeV2:
    shape = _flow_only
    compute = size_of
    gradient = None


@op("TensorArrayCloseV2", "handle: string ->", host=True)
class TensorArrayCloseV2:
    compute = close
    gradient = None
