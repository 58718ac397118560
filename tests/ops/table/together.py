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


@chain(
    "TensorListReserve TensorListSetItem TensorListGetItem TensorListStack TensorListLength "
    "TensorListElementShape TensorListResize",
    NUMBERS,
)
def list_of_known_length(g: Any, T: str) -> list[Any]:
    shape, value = g.const([2], "int32"), g.op("Cast", g.const([1, 2], "int32"), DstT=T)
    empty = g.op("TensorListReserve", shape, g.const(3, "int32"), element_dtype=T)
    first = g.op("TensorListSetItem", empty, g.const(0, "int32"), value)
    last = g.op("TensorListSetItem", first, g.const(2, "int32"), value)
    longer = g.op("TensorListResize", last, g.const(4, "int32"))
    return [
        g.op("TensorListGetItem", last, g.const(2, "int32"), shape, element_dtype=T),
        g.op("TensorListGetItem", last, g.const(1, "int32"), shape, element_dtype=T),
        g.op("TensorListStack", last, shape, element_dtype=T),
        g.op("TensorListStack", first, shape, element_dtype=T, num_elements=3),
        g.op("TensorListStack", longer, shape, element_dtype=T),
        g.op("TensorListLength", longer),
        g.op("TensorListElementShape", longer, shape_type="int32"),
    ]


@chain(
    "EmptyTensorList TensorListPushBack TensorListPopBack TensorListFromTensor TensorListGather "
    "TensorListConcatLists",
    TYPES,
)
def list_that_grows(g: Any, T: str) -> list[Any]:
    value = g.op("Cast", g.const([[1, 0], [0, 1]], "int32"), DstT=T) if T != "string" else None
    value = g.const([["a", "b"], ["c", "d"]], T) if value is None else value
    shape = g.const([2], "int32")
    rows = g.op("TensorListFromTensor", value, shape)
    empty = g.op("EmptyTensorList", shape, g.const(-1, "int32"), element_dtype=T)
    row = g.op("TensorListGetItem", rows, g.const(1, "int32"), shape, element_dtype=T)
    one = g.op("TensorListPushBack", empty, row)
    both = g.op("TensorListConcatLists", rows, one, element_dtype=T)
    left, popped = g.op("TensorListPopBack", both, shape, element_dtype=T)
    return [
        popped,
        g.op("TensorListLength", left),
        g.op("TensorListGather", both, g.const([2, 0], "int32"), shape, element_dtype=T),
    ]


@chain(
    "TensorListScatter TensorListScatterV2 TensorListScatterIntoExistingList TensorListSplit "
    "TensorListConcat TensorListConcatV2",
    NUMBERS,
)
def list_of_pieces(g: Any, T: str) -> list[Any]:
    value = g.op("Cast", g.const([[1, 2], [3, 4], [5, 6]], "int32"), DstT=T)
    shape, order = g.const([2], "int32"), g.const([2, 0, 1], "int32")
    there = g.op("TensorListScatter", value, order, shape)
    more = g.op("TensorListScatterV2", value, order, shape, g.const(4, "int32"))
    again = g.op("TensorListScatterIntoExistingList", more, value, g.const([3, 0, 2], "int32"))
    lengths = g.const([1, 2], "int64")
    pieces = g.op("TensorListSplit", value, g.const([-1, 2], "int32"), lengths)
    return [
        g.op("TensorListStack", there, shape, element_dtype=T),
        g.op("TensorListStack", more, shape, element_dtype=T),
        g.op("TensorListStack", again, shape, element_dtype=T),
        *g.op("TensorListConcat", pieces, element_dtype=T, element_shape=[None, 2]),
        *g.op("TensorListConcatV2", pieces, g.const([-1, 2], "int32"), lengths, element_dtype=T),
    ]


@chain("OptionalFromValue OptionalNone OptionalHasValue OptionalGetValue", "float string")
def optional(g: Any, T: str) -> list[Any]:
    text = T == "string"
    some = g.op("OptionalFromValue", [g.const("a" if text else 1, T), g.const([1, 2], "int32")])
    return [
        g.op("OptionalHasValue", some),
        g.op("OptionalHasValue", g.op("OptionalNone")),
        *g.op("OptionalGetValue", some, output_types=[T, "int32"], output_shapes=[[], [2]]),
    ]


@chain(
    "PartitionedCall StatefulPartitionedCall If StatelessIf Case StatelessCase While "
    "StatelessWhile For RemoteCall SymbolicGradient",
    "float int32",
)
def functions(g: Any, T: str) -> list[Any]:
    def define(name: str, inputs: str, output: str, nodes: str, result: str) -> str:
        args = "".join(f"input_arg {{ {one} }} " for one in inputs.split(";"))
        return (
            f'library {{ function {{ signature {{ name: "{name}" {args} '
            f'output_arg {{ {output} }} }} {nodes} ret {{ key: "y" value: "{result}" }} }} }}'
        )

    kind = "DT_" + T.upper()
    one = f'name: "x" type: {kind}'
    counted = f'name: "i" type: DT_INT32;{one}'
    typed = f'attr {{ key: "T" value {{ type: {kind} }} }}'

    def node(name: str, op: str, a: str, b: str) -> str:
        return f'node_def {{ name: "{name}" op: "{op}" input: "{a}" input: "{b}" {typed} }}'

    limit = (
        f'node_def {{ name: "limit" op: "Const" attr {{ key: "dtype" value {{ type: {kind} }} }} '
        f'attr {{ key: "value" value {{ tensor {{ dtype: {kind} tensor_shape {{ }} '
        f"{'float' if T == 'float' else 'int'}_val: 50 }} }} }} }} "
    )
    result = f'name: "y" type: {kind}'
    g.library(define("twice", one, result, node("sum", "AddV2", "x", "x"), "sum:z:0"))
    g.library(define("square", one, result, node("mul", "Mul", "x", "x"), "mul:z:0"))
    g.library(define("step", counted, result, node("sum", "AddV2", "x", "x"), "sum:z:0"))
    below = limit + node("less", "Less", "x", "limit:output:0")
    g.library(define("below", one, 'name: "y" type: DT_BOOL', below, "less:z:0"))
    x, yes, no = g.const(3, T), g.const(True, "bool"), g.const(False, "bool")
    types, branches = {"Tout": [T]}, {"then_branch": "twice", "else_branch": "square"}
    number = [g.const(n, "int32") for n in (0, 4, 1)]
    fetched = [
        g.op("PartitionedCall", [x], f="twice", **types),
        g.op("StatefulPartitionedCall", [x], f="square", **types),
        g.op("If", yes, [x], **branches, **types),
        g.op("StatelessIf", no, [x], **branches, **types),
        g.op("Case", number[0], [x], branches=["twice", "square"], **types),
        g.op("StatelessCase", number[2], [x], branches=["twice", "square"], **types),
        g.op("While", [x], cond="below", body="twice"),
        g.op("StatelessWhile", [x], cond="below", body="twice"),
        g.op("For", *number, [x], body="step"),
    ]
    here = g.const("/job:localhost/replica:0/task:0/device:CPU:0", "string")
    fetched.append(g.op("RemoteCall", here, [x], f="twice", **types))
    if T == "float":
        fetched.append(g.op("SymbolicGradient", [x, g.const(1, T)], f="square", **types))
    return fetched


@chain("DeviceIndex")
def first_device(g: Any, T: str) -> list[Any]:
    return [g.op("DeviceIndex", device_names=["GPU", "CPU"])]
