"""Message classes made from the descriptor set beside this file.

Importing this module builds them all, in a descriptor pool of their own.  TensorFlow puts
the same full names into protobuf's default pool, where a second definition would be an
error: a private pool lets both live in one process.  And as there is no generated code,
there is none that a newer or older protobuf could refuse.

Every class is told that it lives in `evergraph.formats.protos`, which is where pickle,
copy and a reader of tracebacks find it.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import DecodeError

from evergraph.errors import documented
from evergraph.formats import wire

DESCRIPTOR_SET: Final = "descriptors.binpb"

POOL: Final = descriptor_pool.DescriptorPool()
"""Holds every message of this package, and `Any` and the wrapper messages they use."""

#: Programs open such a file themselves, and hand over what is in it.
_FILES_OF_THEIR_OWN: Final = ("GraphDef", "MetaGraphDef", "SavedModel")

MEMBERS: dict[str, Any] = {}
"""Message classes and enums by name, enum values too, as the package hands them out."""

FILES: dict[str, dict[str, Any]] = {}
"""The same by .proto file, each under the public path of that file."""


def _restore(kind: Any, data: bytes) -> Any:
    return kind.FromString(data)


def _reduce(message: Any) -> tuple[Any, tuple[Any, bytes]]:
    """How pickle takes a message apart: protobuf's own way looks in the default pool only."""
    return _restore, (type(message), message.SerializePartialToString())


def _adopt_class(descriptor: Descriptor, package: str, qualname: str) -> Any:
    """Makes the class of a message and those nested in it, and says where they live."""
    made: Any = message_factory.GetMessageClass(descriptor)
    made.__module__ = package
    made.__qualname__ = qualname
    made.__reduce__ = _reduce
    for nested in descriptor.nested_types:
        # The attribute also keeps the class: protobuf would make another one when asked again.
        setattr(made, nested.name, _adopt_class(nested, package, f"{qualname}.{nested.name}"))
    return made


def _explain(kind: Any) -> None:
    """Lets the class of a message that is a file say what it was given instead, where it cannot parse it."""
    parse = kind.ParseFromString

    def parse_from_string(self: Any, serialized: Any) -> int:
        try:
            return int(parse(self, serialized))
        except DecodeError as error:
            # By its name: all the package imports this one, and checkers of types lose their way in the circle.
            sniff = importlib.import_module("evergraph.formats.sniff")
            said = sniff.what_it_is(bytes(serialized), kind)
            raise documented(DecodeError(f"{error}. {said}")) from None

    def from_string(serialized: Any) -> Any:
        message = kind()
        message.ParseFromString(serialized)
        return message

    kind.ParseFromString = parse_from_string
    kind.FromString = staticmethod(from_string)


def _load() -> None:
    package = __name__.rpartition(".")[0]
    data = pkgutil.get_data(package, DESCRIPTOR_SET)
    assert data is not None
    # A FileDescriptorSet is files in field 1. `descriptor_pb2` would say so too, slowly.
    serialized = [value for _, _, value in wire.fields(data) if isinstance(value, bytes)]
    for file in [POOL.AddSerializedFile(each) for each in serialized]:
        members: dict[str, Any] = {}
        for name, message in file.message_types_by_name.items():
            members[name] = _adopt_class(message, package, name)
        for name, enum in file.enum_types_by_name.items():
            members[name] = EnumTypeWrapper(enum)
            members.update((value.name, value.number) for value in enum.values)
        FILES[file.name] = members
    # Later wins: the status codes (OK, UNKNOWN ...) give way to names of the main package.
    for path in sorted(FILES, key=lambda path: not path.endswith("error_codes.proto")):
        MEMBERS.update(FILES[path])
    for name in _FILES_OF_THEIR_OWN:
        _explain(MEMBERS[name])


_load()
