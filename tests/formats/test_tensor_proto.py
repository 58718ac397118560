"""TensorProto to and from NumPy: every type, every encoding, and messages that lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from evergraph.errors import InvalidArgumentError, InvalidTypeError, ResourceExhaustedError
from evergraph.formats import dtypes, protos, tensor_proto
from evergraph.formats.dtypes import DType
from evergraph.formats.tensor_proto import make_ndarray, make_tensor_proto

ARRAY_TYPES = [d for d in dtypes.ALL_DTYPES if d.is_numpy_compatible and d != dtypes.string]


def raw(dtype: int, *sizes: int, **fields: Any) -> Any:
    proto = protos.TensorProto(dtype=dtype, **fields)
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    return proto


# What TensorFlow 2.15.1 answers to the same calls.
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"values": 1.5}, "080112002a040000c03f"),
        ({"values": [1, 2]}, "0803120412020802220801000000" "02000000"),
        ({"values": [1, 2**31]}, "08091204120208022210010000000000000000000080" "00000000"),
        ({"values": 3, "shape": [2, 3]}, "0803120812020802120208033a0103"),
        ({"values": [True, False]}, "080a120412020802" "5a020100"),
        ({"values": [1, 2], "dtype": "uint16"}, "0811120412020802" "3a020102"),
        ({"values": [1j]}, "0812120412020801621000000000000000000000" "00000000f03f"),
        ({"values": 1, "dtype": "float16"}, "081312006a028078"),
        ({"values": [["a", b"b\0"]]}, "0807120812020801120208024201614202" "6200"),
        ({"values": [], "shape": [0, 3]}, "0801120612001202" "0803"),
        ({"values": [(1,), (2,)], "dtype": "qint8"}, "080b1204120208022202" "0102"),
        ({"values": 3, "dtype": "int4"}, "081d12003a0103"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_bytes(arguments: dict[str, Any], expected: str) -> None:
    assert make_tensor_proto(**arguments).SerializeToString().hex() == expected


@pytest.mark.parametrize("dtype", ARRAY_TYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (2,), (0,), (2, 0), (2, 3, 1)], ids=str)
def test_round_trip(dtype: DType, shape: tuple[int, ...]) -> None:
    array = (np.arange(np.prod(shape, dtype=int)) % 2).astype(dtype.as_numpy_dtype).reshape(shape)
    proto = protos.TensorProto.FromString(make_tensor_proto(array).SerializeToString())
    result = make_ndarray(proto)
    assert proto.dtype == dtype.as_datatype_enum
    assert result.dtype == array.dtype
    assert result.shape == shape
    assert result.tobytes() == array.tobytes()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["f2", "f4", "f8", "i1", "u2", "i4", "u8", "c8", "c16", "?"]).flatmap(
        lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
    )
)
def test_round_trip_of_any_numbers(array: np.ndarray[Any, Any]) -> None:
    result = make_ndarray(make_tensor_proto(array))
    assert result.shape == array.shape
    assert result.dtype == array.dtype
    assert result.tobytes() == array.tobytes()


@given(st.lists(st.binary(max_size=5), max_size=5), st.booleans())
def test_round_trip_of_strings(strings: list[bytes], as_list: bool) -> None:
    array = np.empty(len(strings), object)
    array[:] = strings
    result = make_ndarray(make_tensor_proto(strings if as_list else array, dtype="string"))
    assert result.tolist() == strings
    assert result.dtype == object


def test_byte_order_and_strides_do_not_matter() -> None:
    array = np.arange(24, dtype=">i4").reshape(4, 6)
    assert make_tensor_proto(array) == make_tensor_proto(array.astype("<i4"))
    assert make_tensor_proto(array.T[::2]) == make_tensor_proto(array.astype("<i4").T[::2].copy())
    half = np.array([1.5], ">f2")
    assert make_tensor_proto(half).half_val[0] == 0x3E00


def test_text_is_utf8_and_zero_bytes_stay() -> None:
    assert make_tensor_proto(["é", b"\0a\0"]).string_val == ["é".encode(), b"\0a\0"]
    assert make_tensor_proto(np.array(["é"])).string_val == ["é".encode()]


def test_plain_numbers_take_the_narrow_types() -> None:
    assert make_tensor_proto(1.0).dtype == protos.DT_FLOAT
    assert make_tensor_proto([2**31 - 1]).dtype == protos.DT_INT32
    assert make_tensor_proto([2**31]).dtype == protos.DT_INT64
    assert make_tensor_proto(range(3)).dtype == protos.DT_INT32
    assert make_tensor_proto(np.array(1.0)).dtype == protos.DT_DOUBLE
    assert make_tensor_proto(bytearray(b"ab")).dtype == protos.DT_UINT8


def test_integers_wrap_as_in_numpy_1() -> None:
    assert make_ndarray(make_tensor_proto([-1, 300], dtype="uint8")).tolist() == [255, 44]


class SymbolicTensor:
    """Looks like a tensor of a graph."""

    value_index = 0

    def __array__(self) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"values": "x", "dtype": "float32"},
            TypeError,
            "Expected float32, but got x of type 'str'.",
        ),
        (
            {"values": [1, 2.5], "dtype": "int32"},
            TypeError,
            "Expected int32, but got 2.5 of type 'float'.",
        ),
        (
            {"values": [[1], [None]], "dtype": "int8"},
            TypeError,
            "Expected int8, but got None of type 'NoneType'.",
        ),
        (
            {"values": [1], "dtype": "string"},
            TypeError,
            "Expected string, but got 1 of type 'int'.",
        ),
        ({"values": [1], "dtype": "bool"}, TypeError, "Expected bool, but got 1 of type 'int'."),
        ({"values": [1], "dtype": "qint8"}, TypeError, "Expected qint8, but got 1 of type 'int'."),
        (
            {"values": SymbolicTensor()},
            TypeError,
            "Expected any non-tensor type, but got a tensor instead.",
        ),
        (
            {"values": [1.0, SymbolicTensor()]},
            TypeError,
            "Expected any non-tensor type, but got a tensor instead.",
        ),
        ({"values": None}, ValueError, "None values not supported."),
        (
            {"values": ["a", 1]},
            TypeError,
            "Failed to convert elements of ['a', 1] to Tensor. "
            "Expected binary or unicode string, got 1; consider casting the elements to one type "
            "that a tensor can have.",
        ),
        (
            {"values": [["a"], ["b", "c"]], "dtype": "string"},
            ValueError,
            "Expected values [['a'], ['b', 'c']] to be a dense tensor with shape [2, 1], "
            "but got shape [2].",
        ),
        (
            {"values": [1, 2], "shape": [3], "verify_shape": True},
            TypeError,
            "Expected Tensor's shape: (3,), but got (2,).",
        ),
        (
            {"values": [1, 2], "shape": [1]},
            ValueError,
            "Too many elements provided. Takes at most 1, but got 2.",
        ),
        (
            {"values": [1, 2], "shape": [5], "allow_broadcast": True},
            TypeError,
            "Expected Tensor's shape: (5,), but got (2,).",
        ),
        (
            {"values": 1, "verify_shape": True, "allow_broadcast": True},
            ValueError,
            "allow_broadcast and verify_shape are not both allowed.",
        ),
        (
            {"values": np.zeros(1), "dtype": "resource"},
            TypeError,
            "`dtype` <dtype: 'resource'> is not compatible with [0.] of dtype float64.",
        ),
        (
            {"values": [1], "dtype": "floot"},
            TypeError,
            "Cannot convert the argument `type_value`: 'floot' to a TensorFlow DType.",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_written(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        make_tensor_proto(**arguments)
    assert str(caught.value) == message


def test_ragged_lists() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        make_tensor_proto([[1, 2], [3]])


def test_more_than_2_gb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protos, "MAX_BYTES", 15)
    with pytest.raises(ValueError, match="larger than 2GB"):
        make_tensor_proto(np.zeros(2))


def test_a_proto_is_handed_back() -> None:
    proto = make_tensor_proto(1)
    assert make_tensor_proto(proto, dtype="float32") is proto


def test_short_lists_repeat_their_last_entry() -> None:
    assert make_ndarray(raw(1, 2, 3, float_val=[1, 2])).tolist() == [[1, 2, 2], [2, 2, 2]]
    assert make_ndarray(raw(9, 3)).tolist() == [0, 0, 0]
    assert make_ndarray(raw(7, 2)).tolist() == [b"", b""]
    assert make_ndarray(raw(7, 3, string_val=[b"a", b"b"])).tolist() == [b"a", b"b", b"b"]
    assert make_ndarray(raw(8, 2, scomplex_val=[1, 2])).tolist() == [1 + 2j, 1 + 2j]
    assert make_ndarray(raw(24, 3, float8_val=b"\x3c")).tolist() == [1, 1, 1]
    assert make_ndarray(raw(10, 1, bool_val=[True, False])).tolist() == [True]


def test_a_huge_fill_takes_no_memory() -> None:
    array = make_ndarray(raw(1, 2**20, 2**20, float_val=[7]))
    assert array.shape == (2**20, 2**20)
    assert array.strides == (0, 0)
    assert array[5, 9] == 7
    assert make_ndarray(raw(7, 2**40))[2**39] == b""
    assert make_ndarray(raw(1, 100, float_val=[7])).strides == (4,)


def test_a_huge_fill_of_several_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResourceExhaustedError, match=r"with 2 elements asks for 1099511627776"):
        make_ndarray(raw(1, 2**40, float_val=[1, 2]))
    monkeypatch.setattr(tensor_proto, "MAX_FILL_BYTES", 11)
    with pytest.raises(ResourceExhaustedError, match="12 bytes, more than the 11"):
        make_ndarray(raw(1, 3, float_val=[1, 2]))


def test_narrow_entries_are_cut_to_size() -> None:
    assert make_ndarray(raw(6, 2, int_val=[300, -129])).tolist() == [44, 127]
    assert make_ndarray(raw(19, 1, half_val=[0x13C00])).tolist() == [1.0]


def test_content_is_not_copied() -> None:
    array = make_ndarray(raw(1, 2, tensor_content=np.array([1, 2], "<f4").tobytes()))
    assert array.tolist() == [1, 2]
    assert not array.flags.owndata
    assert not array.flags.writeable
    assert not make_ndarray(make_tensor_proto(1.0)).flags.writeable


def test_content_of_bools_is_made_clean() -> None:
    array = make_ndarray(raw(10, 3, tensor_content=b"\x00\x02\xff"))
    assert array.view(np.uint8).tolist() == [0, 1, 1]


def test_content_of_strings() -> None:
    long = b"x" * 300
    content = bytes([1, 0, 0xAC, 2]) + b"a" + long
    assert make_ndarray(raw(7, 3, tensor_content=content)).tolist() == [b"a", b"", long]
    for broken in (content[:-1], content + b"x", b"\x80", b"\xff" * 12, b"\x01"):
        with pytest.raises(InvalidArgumentError, match="is not a list of 3 strings"):
            make_ndarray(raw(7, 3, tensor_content=broken))
    with pytest.raises(InvalidArgumentError, match="not a list of 1099511627776 strings"):
        make_ndarray(raw(7, 2**40, tensor_content=b"\0" * 10))


def test_reference_types_hold_the_same_elements() -> None:
    assert make_ndarray(raw(101, 1, float_val=[2])).dtype == np.float32


@pytest.mark.parametrize(
    ("proto", "kind", "message"),
    [
        (raw(0, 1), InvalidTypeError, "has the type number 0"),
        (raw(77, 1), InvalidTypeError, "has the type number 77"),
        (raw(20, 1), InvalidTypeError, "A resource tensor has no NumPy form"),
        (raw(21), InvalidTypeError, "A variant tensor has no NumPy form"),
        (raw(1, -1), InvalidArgumentError, r"\[-1\] has a negative size"),
        (raw(1, 2, -3), InvalidArgumentError, r"\[2, -3\] has a negative size"),
        (raw(1, 2**62, 4), InvalidArgumentError, "more elements than memory has addresses"),
        (raw(1, 2**62, 2**62, 0), InvalidArgumentError, "more elements than memory has addresses"),
        (raw(1, *[1] * 65), InvalidArgumentError, "has 65 dimensions"),
        (raw(1, 3, tensor_content=b"1234"), InvalidArgumentError,
         r"4 bytes of content, but a float32 tensor of shape \[3\] takes 12"),
        (raw(1, 2**40, tensor_content=b"1234"), InvalidArgumentError, "takes 4398046511104"),
        (raw(8, 1, scomplex_val=[1]), InvalidArgumentError, "odd number of parts"),
    ],
)  # fmt: skip
def test_messages_that_lie(proto: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make_ndarray(proto)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_an_array_or_an_error_of_ours(data: bytes) -> None:
    try:
        proto = protos.TensorProto.FromString(data)
    except Exception:
        return
    try:
        array = make_ndarray(proto)
    except (InvalidArgumentError, ResourceExhaustedError):
        return
    assert list(array.shape) == [dim.size for dim in proto.tensor_shape.dim]
