"""Ops that make sense only together."""

from __future__ import annotations

from typing import Any

from tests.ops.chains import chain

TYPES = "float double half bfloat16 int32 int64 uint8 bool complex64 string"
NUMBERS = "float double half int32 int64 complex64"


@chain("TensorArrayV3 TensorArrayWriteV3 TensorArrayReadV3 TensorArraySizeV3", TYPES)
def array_write_read(g: Any, T: str) -> list[Any]:
    handle, flow = g.op("TensorArrayV3", g.const(3, "int32"), dtype=T)
    value = g.op("Cast", g.const([0, 1, 2], "int32"), DstT=T) if T != "string" else g.const("a", T)
    flow = g.op("TensorArrayWriteV3", handle, g.const(0, "int32"), value, flow)
    flow = g.op("TensorArrayWriteV3", handle, g.const(2, "int32"), value, flow)
    return [
        g.op("TensorArrayReadV3", handle, g.const(2, "int32"), flow, dtype=T),
        g.op("TensorArrayReadV3", handle, g.const(0, "int32"), flow, dtype=T),
        g.op("TensorArraySizeV3", handle, flow),
    ]


@chain("TensorArrayScatterV3 TensorArrayGatherV3 TensorArrayConcatV3 TensorArraySplitV3", NUMBERS)
def array_whole(g: Any, T: str) -> list[Any]:
    value = g.op("Cast", g.const([[0, 1], [2, 3], [4, 5]], "int32"), DstT=T)
    one, flow = g.op("TensorArrayV3", g.const(3, "int32"), dtype=T, clear_after_read=False)
    flow = g.op("TensorArrayScatterV3", one, g.const([2, 0, 1], "int32"), value, flow)
    two, other = g.op("TensorArrayV3", g.const(2, "int32"), dtype=T)
    other = g.op("TensorArraySplitV3", two, value, g.const([1, 2], "int64"), other)
    return [
        g.op("TensorArrayGatherV3", one, g.const([0, 1, 2], "int32"), flow, dtype=T),
        *g.op("TensorArrayConcatV3", one, flow, dtype=T),
        g.op("TensorArrayReadV3", two, g.const(1, "int32"), other, dtype=T),
    ]


@chain("TensorArrayGradV3 TensorArrayGradWithShape", "float double")
def array_gradient(g: Any, T: str) -> list[Any]:
    value = g.const([[0.5, 1.0], [2.0, 3.0]], T)
    handle, flow = g.op("TensorArrayV3", g.const(2, "int32"), dtype=T, clear_after_read=False)
    flow = g.op("TensorArrayScatterV3", handle, g.const([1, 0], "int32"), value, flow)
    rows = g.op("TensorArrayGatherV3", handle, g.const([0, 1, 1], "int32"), flow, dtype=T)
    grad, back = g.op("TensorArrayGradV3", handle, flow, source="other")
    back = g.op("TensorArrayWriteV3", grad, g.const(0, "int32"), g.const([7.0, 8.0], T), back)
    wide, there = g.op("TensorArrayGradWithShape", handle, flow, g.const([2], "int32"), source="w")
    element = g.const([[1.0, 2.0], [3.0, 4.0]], T)
    there = g.op("TensorArrayWriteV3", wide, g.const(1, "int32"), element, there)
    return [
        *g.gradients([g.op("Square", rows)], [value]),
        g.op("TensorArrayReadV3", grad, g.const(0, "int32"), back, dtype=T),
        g.op("TensorArrayReadV3", wide, g.const(1, "int32"), there, dtype=T),
    ]


@chain("TensorArrayCloseV3")
def array_close(g: Any, T: str) -> list[Any]:
    handle, flow = g.op("TensorArrayV3", g.const(2, "int32"), dtype=T)
    size = g.op("TensorArraySizeV3", handle, flow)
    with g.after(size):
        closed = g.op("TensorArrayCloseV3", handle)
    with g.after(closed):
        return [g.op("Identity", size)]


@chain(
    "TensorArrayV2 TensorArrayWriteV2 TensorArrayReadV2 TensorArraySizeV2 TensorArrayGatherV2 "
    "TensorArrayScatterV2 TensorArrayConcatV2 TensorArraySplitV2 TensorArrayGradV2 "
    "TensorArrayCloseV2",
    "float int32",
    producer=20,
    runs=1,
)
def array_second_version(g: Any, T: str) -> list[Any]:
    value = g.op("Cast", g.const([[0, 1], [2, 3], [4, 5]], "int32"), DstT=T)
    size, flow = g.const(3, "int32"), g.const(0.0, "float")
    one = g.op("TensorArrayV2", size, dtype=T, clear_after_read=False, tensor_array_name="one")
    first = g.op("TensorArrayScatterV2", one, g.const([2, 0, 1], "int32"), value, flow)
    two = g.op("TensorArrayV2", g.const(2, "int32"), dtype=T, tensor_array_name="two")
    second = g.op("TensorArraySplitV2", two, value, g.const([1, 2], "int64"), flow)
    three = g.op("TensorArrayV2", size, dtype=T, tensor_array_name="three")
    third = g.op("TensorArrayWriteV2", three, g.const(1, "int32"), value, flow)
    counted = g.op("TensorArraySizeV2", three, third)
    with g.after(counted):
        closed = g.op("TensorArrayCloseV2", three)
    fetched = [
        g.op("TensorArrayGatherV2", one, g.const([0, 1, 2], "int32"), first, dtype=T),
        *g.op("TensorArrayConcatV2", one, first, dtype=T),
        g.op("TensorArrayReadV2", two, g.const(1, "int32"), second, dtype=T),
    ]
    grad = g.op("TensorArrayGradV2", one, first, source="gradients")
    back = g.op("TensorArrayWriteV2", grad, g.const(1, "int32"), g.const([7, 8], T), first)
    with g.after(closed):
        fetched.append(g.op("Identity", counted))
    return [*fetched, g.op("TensorArrayReadV2", grad, g.const(1, "int32"), back, dtype=T)]


@chain(
    "TensorArray TensorArrayWrite TensorArrayRead TensorArraySize TensorArrayGather "
    "TensorArrayScatter TensorArrayConcat TensorArraySplit TensorArrayPack TensorArrayUnpack "
    "TensorArrayClose TensorArrayGrad",
    "float int32",
    producer=10,
    runs=1,
)
def array_first_version(g: Any, T: str) -> list[Any]:
    value = g.op("Cast", g.const([[0, 1], [2, 3], [4, 5]], "int32"), DstT=T)
    size, flow = g.const(3, "int32"), g.const(0.0, "float")
    one = g.op("TensorArray", size, dtype=T, clear_after_read=False, tensor_array_name="one")
    first = g.op("TensorArrayScatter", one, g.const([2, 0, 1], "int32"), value, flow)
    two = g.op("TensorArray", g.const(2, "int32"), dtype=T, tensor_array_name="two")
    second = g.op("TensorArraySplit", two, value, g.const([1, 2], "int64"), flow)
    three = g.op("TensorArray", size, dtype=T, tensor_array_name="three")
    third = g.op("TensorArrayUnpack", three, value, flow)
    packed = g.op("TensorArrayPack", three, third, dtype=T)
    four = g.op("TensorArray", size, dtype=T, tensor_array_name="four")
    fourth = g.op("TensorArrayWrite", four, g.const(1, "int32"), value, flow)
    counted = g.op("TensorArraySize", four, fourth)
    with g.after(counted):
        closed = g.op("TensorArrayClose", four)
    with g.after(closed):
        counted = g.op("Identity", counted)
    grad = g.op("TensorArrayGrad", one, first, source="gradients")
    back = g.op("TensorArrayWrite", grad, g.const(1, "int32"), g.const([7, 8], T), first)
    return [
        g.op("TensorArrayRead", grad, g.const(1, "int32"), back, dtype=T),
        g.op("TensorArrayGather", one, g.const([0, 1, 2], "int32"), first, dtype=T),
        *g.op("TensorArrayConcat", one, first, dtype=T),
        g.op("TensorArrayRead", two, g.const(1, "int32"), second, dtype=T),
        packed,
        counted,
    ]


@chain("StackV2 StackPushV2 StackPopV2 StackCloseV2", TYPES)
def stack(g: Any, T: str) -> list[Any]:
    value = g.op("Cast", g.const([0, 1, 2], "int32"), DstT=T) if T != "string" else g.const("a", T)
    handle = g.op("StackV2", g.const(5, "int32"), elem_type=T, stack_name="s")
    first = g.op("StackPushV2", handle, value)
    with g.after(first):
        second = g.op("StackPushV2", handle, g.op("Pack", [value, value]))
    with g.after(second):
        last = g.op("StackPopV2", handle, elem_type=T)
    with g.after(last):
        before = g.op("StackPopV2", handle, elem_type=T)
    with g.after(before):
        closed = g.op("StackCloseV2", handle)
    with g.after(closed):
        return [first, g.op("Identity", last), g.op("Identity", before)]


@chain("Stack StackPush StackPop StackClose", "float int32")
def stack_first_version(g: Any, T: str) -> list[Any]:
    handle = g.op("Stack", elem_type=T, stack_name="s")
    pushed = g.op("StackPush", handle, g.const([1, 2], T))
    with g.after(pushed):
        popped = g.op("StackPop", handle, elem_type=T)
    with g.after(popped):
        closed = g.op("StackClose", handle)
    with g.after(closed):
        return [g.op("Identity", popped)]


@chain("TemporaryVariable DestroyTemporaryVariable", "float int32 string")
def temporary_variable(g: Any, T: str) -> list[Any]:
    cell = g.op("TemporaryVariable", shape=[2], dtype=T, var_name="t")
    filled = g.op("Assign", cell, g.const(["a", "b"] if T == "string" else [1, 2], T))
    return [g.op("DestroyTemporaryVariable", filled, var_name="t")]


@chain("Switch Merge", TYPES)
def switch_merge(g: Any, T: str) -> list[Any]:
    data = g.op("Cast", g.const([1, 0], "int32"), DstT=T) if T != "string" else g.const(["a"], T)
    fetched = []
    for taken in (True, False):
        no, yes = g.op("Switch", data, g.const(taken, "bool"))
        fetched += g.op("Merge", [g.op("Identity", no), g.op("Pack", [yes, yes])])
    return fetched


@chain("_SwitchN", "float int32 string")
def switch_among_several(g: Any, T: str) -> list[Any]:
    data = g.const(["a", "b"] if T == "string" else [1, 0], T)
    outputs = g.op("_SwitchN", data, g.const(1, "int32"), num_outs=3, name="switch")
    return list(g.op("Merge", [g.op("Identity", one) for one in outputs]))


@chain("RefSwitch RefMerge", "float int32 string")
def switch_of_references(g: Any, T: str) -> list[Any]:
    cell = g.op("VariableV2", shape=[2], dtype=T)
    start = g.op("Assign", cell, g.const(["a", "b"] if T == "string" else [1, 2], T))
    no, yes = g.op("RefSwitch", start, g.const(True, "bool"))
    either, index = g.op("RefMerge", [g.op("RefIdentity", no), g.op("RefIdentity", yes)])
    return [g.op("Assign", either, g.const(["c", "d"] if T == "string" else [3, 4], T)), index]


@chain("Enter Exit NextIteration LoopCond", "int32 float int64 double")
def loop(g: Any, T: str) -> list[Any]:
    limit = g.op("Enter", g.const(5, T), frame_name="loop", is_constant=True)
    step = g.op("Enter", g.const(2, T), frame_name="loop", is_constant=True)
    merged, _ = g.op("Merge", [g.op("Enter", g.const(0, T), frame_name="loop")] * 2)
    more = g.op("LoopCond", g.op("Less", merged, limit))
    done, going = g.op("Switch", merged, more)
    back = g.op("NextIteration", g.op("Add", going, step))
    merged.op._update_input(1, back)
    return [g.op("Exit", done)]


@chain("RefEnter RefExit RefNextIteration", "int32 float")
def loop_of_references(g: Any, T: str) -> list[Any]:
    cell = g.op("VariableV2", shape=[], dtype=T)
    start = g.op("Assign", cell, g.const(0, T))
    limit = g.op("Enter", g.const(5, T), frame_name="loop", is_constant=True)
    step = g.op("Enter", g.const(2, T), frame_name="loop", is_constant=True)
    entered = g.op("RefEnter", start, frame_name="loop")
    merged, _ = g.op("RefMerge", [entered, entered])
    more = g.op("LoopCond", g.op("Less", merged, limit))
    done, going = g.op("RefSwitch", merged, more)
    back = g.op("RefNextIteration", g.op("AssignAdd", going, step))
    merged.op._update_input(1, back)
    return [g.op("RefExit", done)]


@chain("Variable", "float string")
def variable_of_before(g: Any, T: str) -> list[Any]:
    cell = g.op("Variable", shape=[2], dtype=T)
    return [g.op("Assign", cell, g.const(["a", "b"] if T == "string" else [1, 2], T))]


@chain("DestroyResourceOp DisableCopyOnRead")
def resource_and_its_end(g: Any, T: str) -> list[Any]:
    handle = g.op("VarHandleOp", dtype=T, shape=[2], shared_name="v")
    start = g.op("AssignVariableOp", handle, g.const([1, 2], T))
    with g.after(start):
        shared = g.op("DisableCopyOnRead", handle)
    with g.after(shared):
        read = g.op("ReadVariableOp", handle, dtype=T)
    with g.after(read):
        gone = g.op("DestroyResourceOp", handle)
    with g.after(gone):
        return [read, g.op("VarIsInitializedOp", handle)]


@chain("ParallelConcat", "float int32 string")
def parallel_concat(g: Any, T: str) -> list[Any]:
    row = g.const([["a", "b"]] if T == "string" else [[1, 2]], T)
    return [g.op("ParallelConcat", [row, row, row], shape=[3, 2])]
