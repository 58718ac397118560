"""TensorFlow's messages: `GraphDef`, `MetaGraphDef`, `TensorProto`, `ConfigProto`, ...

    from evergraph.formats import protos
    graph = protos.GraphDef.FromString(data)
    protos.AttrValue(type=protos.DT_FLOAT)

The names of this module are the message classes, the enums (`DataType.Name(1)`) and the
enums' values (`DT_FLOAT`).  The definitions are the .proto files in the folder
`tensorflow/` here, under their public paths; `tools/compile_protos.py` compiles them.
Protobuf is loaded when the first of these names is used.

Messages of a TensorFlow that is loaded as well have classes of their own: `adopt` turns
one of those into one of these.
"""

from __future__ import annotations

import typing

from evergraph.errors import InvalidArgumentError

MAX_BYTES = 2**31 - 1
"""What protobuf readers accept in one message."""

_FUNCTIONS = ("adopt", "file_members", "pool", "serialize")


def __getattr__(name: str) -> typing.Any:
    if name.startswith("__"):
        raise AttributeError(name)
    from evergraph.formats.protos._registry import MEMBERS

    try:
        found = MEMBERS[name]
    except KeyError:
        raise AttributeError(f"No message, enum or enum value is named {name!r}.") from None
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    from evergraph.formats.protos._registry import MEMBERS

    return sorted([*MEMBERS, *_FUNCTIONS])


def pool() -> typing.Any:
    """The descriptor pool of these messages.

    Hand it to `text_format` or `json_format` as `descriptor_pool` where a message holds
    an `Any` with one of these messages inside.
    """
    from evergraph.formats.protos._registry import POOL

    return POOL


def file_members(path: str) -> dict[str, typing.Any]:
    """What a .proto file defines: its messages, enums and enum values by name.

    Args:
        path: the public path, such as ``tensorflow/core/framework/graph.proto``.

    Raises:
        KeyError: if there is no such file here.
    """
    from evergraph.formats.protos._registry import FILES

    return dict(FILES[path])


def adopt(message: typing.Any) -> typing.Any:
    """The same message as an instance of the class here.

    Args:
        message: one of these messages (returned as it is), or one of TensorFlow's own.

    Raises:
        TypeError: if it is not a protobuf message, or one of a kind unknown here.
    """
    name = getattr(getattr(message, "DESCRIPTOR", None), "full_name", None)
    if not isinstance(name, str):
        raise TypeError(f"Expected a protobuf message, got {message!r}.")
    try:
        descriptor = pool().FindMessageTypeByName(name)
    except KeyError:
        raise TypeError(f"{name} is not a message that is known here.") from None
    if message.DESCRIPTOR is descriptor:
        return message
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(descriptor).FromString(message.SerializeToString())


def serialize(message: typing.Any, *, deterministic: bool = False) -> bytes:
    """The bytes of a message.

    Args:
        message: any protobuf message.
        deterministic: sort maps by key, so that equal messages give equal bytes.

    Raises:
        InvalidArgumentError: if there are more than 2 GB of them. Protobuf itself writes
            them without a word, and then nothing can read them back.
    """
    data: bytes = message.SerializeToString(deterministic=deterministic)
    if len(data) > MAX_BYTES:
        raise InvalidArgumentError(
            None,
            None,
            f"The {message.DESCRIPTOR.name} takes {len(data):,} bytes, but protobuf reads no "
            f"message of more than {MAX_BYTES:,} (2 GB). Keep the large values out of it: as "
            "variables in a checkpoint beside the graph, or in TensorFlow's split form "
            "(.cpb, one chunk for each large constant).",
        )
    return data
