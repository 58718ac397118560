"""Files that hold graphs: GraphDef, MetaGraphDef and SavedModel, binary or text.

    graph = read_graph_def("frozen.pb")
    meta = read_meta_graph("model.ckpt-1000.meta")
    model = read_saved_model("export/1")       # a folder, or the file in it

The kind and the encoding are told by what is in the file, never by its name.  A file of
another kind, or a damaged one, is an error that says what the file is and what to do.
"""

from __future__ import annotations

from typing import Any, Final

from evergraph.errors import DataLossError, InvalidArgumentError
from evergraph.formats import protos
from evergraph.formats.kinds import FileKind, advice
from evergraph.formats.message_text import parse_text, to_text
from evergraph.formats.message_walk import Damage, find_damage, spans
from evergraph.formats.saved_model_folder import missing, model_file
from evergraph.formats.sniff import kind_of, sniff
from evergraph.storage.filesystem import Path, filesystem, path_text

__all__ = [
    "FileKind",
    "parse_text",
    "read_graph_def",
    "read_meta_graph",
    "read_saved_model",
    "sniff",
    "to_text",
]

_BINARY: Final = {
    "GraphDef": FileKind.GRAPH_DEF,
    "MetaGraphDef": FileKind.META_GRAPH,
    "SavedModel": FileKind.SAVED_MODEL,
}
_TEXT: Final = {
    "GraphDef": FileKind.GRAPH_DEF_TEXT,
    "MetaGraphDef": FileKind.META_GRAPH_TEXT,
    "SavedModel": FileKind.SAVED_MODEL_TEXT,
}
# Kinds that are what is left of a file rather than another one.
_LOST: Final = (FileKind.EMPTY, FileKind.GIT_LFS_POINTER, FileKind.HTML, FileKind.UNKNOWN)


def read_graph_def(path: Path) -> Any:
    """The GraphDef in a file: frozen or not, `.pb` or `.pbtxt`.

    Raises:
        NotFoundError: if there is no such file.
        DataLossError: if the file is damaged, empty, or stands for another that is not there.
        InvalidArgumentError: if it is of another kind.
    """
    return _read(path_text(path), "GraphDef")


def read_meta_graph(path: Path) -> Any:
    """The MetaGraphDef in a `.meta` file. Errors as in `read_graph_def`."""
    return _read(path_text(path), "MetaGraphDef")


def read_saved_model(path: Path) -> Any:
    """The SavedModel in a folder (`saved_model.pb` or `.pbtxt`) or in a file.

    Errors as in `read_graph_def`; NotFoundError also for a folder without such a file.
    """
    name = path_text(path)
    files = filesystem(name)
    if files.is_folder(name) or not files.exists(name):
        found = model_file(name)
        if found is None:
            raise missing(name)
        name = found
    return _read(name, "SavedModel")


def _read(path: str, wanted: str) -> Any:
    files = filesystem(path)
    if files.is_folder(path):
        raise _wrong_kind(path, FileKind.FOLDER, wanted, b"")
    data = files.read_file(path)
    kind = kind_of(path, data[: 1 << 16], data[-8:], len(data))
    if kind is _TEXT[wanted]:
        return _parse_text_file(path, data, wanted)
    if kind is _BINARY[wanted] or kind is FileKind.UNKNOWN:
        message = _parse(path, data, wanted, kind)
        if message is not None:
            return message
    raise _wrong_kind(path, kind, wanted, data)


def _parse(path: str, data: bytes, wanted: str, kind: FileKind) -> Any:
    """The message; None if the bytes are not one and were not known to be one."""
    from google.protobuf.message import DecodeError

    message = getattr(protos, wanted)()
    try:
        for piece in _pieces(data):
            message.MergeFromString(piece)
    except (DecodeError, Damage):
        if kind is FileKind.UNKNOWN:
            return None
        damage = find_damage(data, message.DESCRIPTOR)
        raise DataLossError(
            None,
            None,
            f"{path} is {kind.value}, damaged at byte {damage.offset if damage else '?'} of "
            f"{len(data)}: {damage.reason if damage else 'protobuf cannot parse it'}. "
            "It was probably cut off or changed when it was copied: get the file again.",
        ) from None
    # Any bytes at all may happen to be fields that nobody knows.
    return message if kind is not FileKind.UNKNOWN or message.ListFields() else None


def _pieces(data: bytes) -> list[bytes]:
    """The message in parts that protobuf takes, each a run of whole fields.

    Merging one after the other gives the message: a graph may be larger than 2 GB as long as
    no node is.
    """
    if len(data) <= protos.MAX_BYTES:
        return [data]
    cuts = [0]
    last = 0
    for span in spans(data, 0, len(data)):
        if span.end - cuts[-1] > protos.MAX_BYTES:
            cuts.append(last)
        last = span.end
    return [data[begin:end] for begin, end in zip(cuts, [*cuts[1:], len(data)], strict=True)]


def _parse_text_file(path: str, data: bytes, wanted: str) -> Any:
    try:
        return parse_text(data.decode("utf-8-sig"), getattr(protos, wanted)())
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8 text"
    except InvalidArgumentError as error:
        reason = f"line {error.message}".rstrip(".")
    raise DataLossError(
        None,
        None,
        f"{path} is {_TEXT[wanted].value}, with a fault: {reason}. If TensorFlow wrote it, it was "
        "cut off or changed since, or holds what only newer versions know.",
    )


def _wrong_kind(
    path: str, kind: FileKind, wanted: str, data: bytes
) -> DataLossError | InvalidArgumentError:
    size = f" ({len(data)} bytes)" if kind is FileKind.UNKNOWN else ""
    message = (
        f"{path} is {kind.value}{size}; a {wanted} was expected. {advice(kind, path)}".rstrip()
    )
    if kind in _LOST:
        return DataLossError(None, None, message)
    return InvalidArgumentError(None, None, message)
