"""Which message a file holds: GraphDef, MetaGraphDef, SavedModel, or none of these.

None of them carries a mark.  They are told apart by the shape of their first fields:

======== ======================= ======================== ==========================
field    GraphDef                MetaGraphDef             SavedModel
======== ======================= ======================== ==========================
1        node: name, op          meta_info_def            schema version, a number
2        library                 graph_def                meta_graphs
3        version, a number       saver_def, a message
4        versions: numbers       collection_def: key, ...
5, 6, 7  debug info (5)          signatures, assets, objects
======== ======================= ======================== ==========================

ONNX models begin with a number too, and go on with the name of the program that made them.
"""

from __future__ import annotations

import re
from typing import Final

from evergraph.formats.kinds import FileKind
from evergraph.formats.message_walk import Damage, Span, spans
from evergraph.formats.wire import BYTES, VARINT

_OP_NAME: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_.>/-]*")
_PRINTABLE: Final = re.compile(rb"[ -~]*")


def kind_of_message(head: bytes, size: int) -> FileKind | None:
    """Which of the messages this is the beginning of; None if it is none of them.

    Args:
        head: the beginning of the file, or all of it.
        size: how long the file is.
    """
    versioned = False
    try:
        for span in spans(head, 0, size, whole=False):
            value = head[span.start : span.end]
            if versioned:
                return _with_version(span, value)
            if span.number == 1 and span.code == VARINT:
                versioned = True
                continue
            found = _by_field(span, value)
            if found is not None:
                return found
    except Damage:
        pass
    return FileKind.SAVED_MODEL if versioned else None


def _with_version(span: Span, value: bytes) -> FileKind | None:
    """After a version number comes a MetaGraphDef, or what ONNX has there."""
    if (span.number, span.code) == (2, BYTES):
        inside = kind_of_message(value, span.end - span.start)
        if inside is FileKind.META_GRAPH or not value:
            return FileKind.SAVED_MODEL
    if span.code == BYTES and span.number in (2, 3, 4, 7, 8):
        return FileKind.ONNX
    return None


def _by_field(span: Span, value: bytes) -> FileKind | None:
    """What one of the first fields tells; None if nothing."""
    length = span.end - span.start
    if span.code == VARINT:
        return FileKind.GRAPH_DEF if span.number == 3 else None
    if span.code != BYTES or not length:
        return None
    if span.number == 1:
        if _is_node(value, length):
            return FileKind.GRAPH_DEF
        return FileKind.META_GRAPH if _is_meta_info(value, length) else None
    if span.number == 2:
        inside = kind_of_message(value, length)
        if inside is FileKind.GRAPH_DEF:
            return FileKind.META_GRAPH
        return FileKind.SAVED_MODEL if inside is FileKind.META_GRAPH else FileKind.GRAPH_DEF
    if span.number == 4:
        # Versions are numbers, a collection begins with its name.
        return FileKind.META_GRAPH if value[:1] == b"\n" else FileKind.GRAPH_DEF
    return FileKind.META_GRAPH if span.number in (3, 6, 7) else None


def _is_node(value: bytes, length: int) -> bool:
    """A node has the name of an op as its second field."""
    for span in spans(value, 0, length, whole=False):
        if span.number == 2:
            return _OP_NAME.fullmatch(value, span.start, span.end) is not None
        if span.number != 1 or span.code != BYTES:
            return False
    return False


def _is_meta_info(value: bytes, length: int) -> bool:
    """Versions and tags are words, ops and aliases are messages."""
    for span in spans(value, 0, length, whole=False):
        inside = value[span.start : span.end]
        if span.number in (1, 4, 5, 6):
            if not _PRINTABLE.fullmatch(inside):
                return False
        elif span.number in (2, 8):
            return inside[:1] == b"\n"
        elif span.number not in (3, 7):
            return False
    return True
