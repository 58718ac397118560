"""Parsing of tf.Examples."""

from __future__ import annotations

from typing import Any

from evergraph.formats import protos
from tests.ops.rows import bad, case, const, row, typed, value


def example(**features: Any) -> bytes:
    """A serialized Example: by name a list of bytes, floats or integers; None for a feature without values."""
    message = protos.Example()
    for name, values in features.items():
        feature = message.features.feature[name]
        if values is None:
            continue
        kind = {bytes: "bytes_list", float: "float_list", int: "int64_list"}[type(values[0])]
        getattr(feature, kind).value.extend(values)
    data: bytes = message.SerializeToString(deterministic=True)
    return data


A = example(a=[1.0, 2.0], i=[5], s=[b"x", b"y\0"])
B = example(a=[3.0, 4.5], s=[b"z"])
LONG = example(a=[1.0, 2.0, 3.0], i=[1, 2])
NONE = example(a=None)
WRONG = example(a=[1])

NO_NAMES = value([])
FLOATS = typed("float", const([]))
PAIR = typed("float", const([7.0, 8.0]))
PAD = typed("float", const(9.0))
COUNT = typed("int64", const(-1))

row(
    "ParseExample",
    case(value([A, B]), NO_NAMES, [const("s"), const("i")], [const("a")], [FLOATS],
         sparse_types=["string", "int64"], dense_shapes=[[2]]),
    case(value([A, NONE]), value(["n", "m"]), [], [const("a"), const("i")], [PAIR, COUNT],
         sparse_types=[], dense_shapes=[[2], []]),
    case(value([A, LONG, NONE]), NO_NAMES, [], [const("a")], [PAD],
         sparse_types=[], dense_shapes=[[None]]),
    case(value([]), NO_NAMES, [const("a")], [const("i")], [COUNT],
         sparse_types=["float"], dense_shapes=[[]]),
    bad("InvalidArgumentError", value([A, NONE]), NO_NAMES, [], [const("a")], [FLOATS],
        sparse_types=[], dense_shapes=[[2]]),
    bad("InvalidArgumentError", value([A, LONG]), NO_NAMES, [], [const("a")], [FLOATS],
        sparse_types=[], dense_shapes=[[2]]),
    bad("InvalidArgumentError", value([WRONG]), NO_NAMES, [], [const("a")], [FLOATS],
        sparse_types=[], dense_shapes=[[1]]),
    bad("InvalidArgumentError", value([WRONG]), NO_NAMES, [const("a")], [], [],
        sparse_types=["float"], dense_shapes=[]),
    bad("InvalidArgumentError", value(["junk"]), NO_NAMES, [], [const("a")], [FLOATS],
        sparse_types=[], dense_shapes=[[2]]),
    bad("InvalidArgumentError", value([A]), value(["n", "m"]), [], [const("a")], [FLOATS],
        sparse_types=[], dense_shapes=[[2]]),
    no_gradient="parses text",
)  # fmt: skip
row(
    "ParseExampleV2",
    *[
        case(serialized, NO_NAMES, const(["a", "s"]), const(["i"]), const(["t"]), [COUNT],
             num_sparse=2, sparse_types=["float", "string"], ragged_value_types=["int64"],
             ragged_split_types=["int32"], dense_shapes=[[]])
        for serialized in (value([A, B, NONE]), value(A), value([]))
    ],
    *[
        case(serialized, NO_NAMES, const([]), const([]), const(["a", "s"]), [],
             num_sparse=0, sparse_types=[], ragged_value_types=["float", "string"],
             ragged_split_types=["int32", "int64"], dense_shapes=[])
        for serialized in (value([A, B, NONE]), value(A), value(NONE))
    ],
    *[
        case(serialized, NO_NAMES, const([]), const(["a"]), const([]), [PAD],
             num_sparse=0, sparse_types=[], ragged_value_types=[],
             ragged_split_types=[], dense_shapes=[[None]])
        for serialized in (value([A, LONG, NONE]), value(LONG), value(NONE))
    ],
    case(value([A, B]), NO_NAMES, const([]), const(["a"]), const([]), [PAD],
         num_sparse=0, sparse_types=[], ragged_value_types=[],
         ragged_split_types=[], dense_shapes=[[None, 2]]),
    bad("InvalidArgumentError", value([A, LONG]), NO_NAMES, const([]), const(["a"]), const([]),
        [PAD], num_sparse=0, sparse_types=[], ragged_value_types=[],
        ragged_split_types=[], dense_shapes=[[None, 2]]),
    bad("InvalidArgumentError", value([A]), NO_NAMES, const([]), const(["a"]), const([]),
        [FLOATS], num_sparse=0, sparse_types=[], ragged_value_types=[],
        ragged_split_types=[], dense_shapes=[[None]]),
    no_gradient="parses text",
)  # fmt: skip
row(
    "ParseSingleExample",
    *[
        case(value(serialized), [PAIR, COUNT], num_sparse=1, sparse_keys=["s"], sparse_types=["string"],
             dense_keys=["a", "i"], dense_shapes=[[2], [None]])
        for serialized in (A, B, NONE)
    ],
    bad("InvalidArgumentError", value(NONE), [FLOATS], num_sparse=0, sparse_keys=[], sparse_types=[],
        dense_keys=["a"], dense_shapes=[[2]]),
    bad("InvalidArgumentError", value(WRONG), [FLOATS], num_sparse=0, sparse_keys=[],
        sparse_types=[], dense_keys=["a"], dense_shapes=[[1]]),
    no_gradient="parses text",
)  # fmt: skip
