"""What kind of file this is, by its first bytes.

    sniff("model.pb")      # FileKind.GIT_LFS_POINTER

Only the beginning and the last bytes of a file are read.
"""

from __future__ import annotations

import re
from typing import Any, Final

from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.kinds import FileKind, advice
from evergraph.formats.message_kind import kind_of_message
from evergraph.formats.message_walk import find_damage
from evergraph.storage.filesystem import Path, filesystem, path_text

_HEAD_BYTES: Final = 1 << 16
_TABLE_MAGIC: Final = 0xDB4775248B80FB57.to_bytes(8, "little")

_MAGIC: Final = (
    (0, b"version https://git-lfs.github.com/spec/", FileKind.GIT_LFS_POINTER),
    (0, b"\x1f\x8b", FileKind.GZIP),
    (0, b"PK\x03\x04", FileKind.ARCHIVE),
    (0, b"BZh", FileKind.ARCHIVE),
    (0, b"\xfd7zXZ\0", FileKind.ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind.ARCHIVE),
    (257, b"ustar", FileKind.ARCHIVE),
    (0, b"\x89HDF\r\n\x1a\n", FileKind.HDF5),
    (4, b"TFL3", FileKind.TFLITE),
    (0, b"\x93NUMPY", FileKind.NUMPY),
    (0, b"\x80\x04\x95", FileKind.PICKLE),
    (0, b"\x80\x05\x95", FileKind.PICKLE),
    (0, b"\x80\x02}", FileKind.PICKLE),
    (0, b"\x80\x03}", FileKind.PICKLE),
)
_HTML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|\?xml|!--)", re.I)
_DATA_NAME: Final = re.compile(r".*\.data-\d{5,}-of-\d{5,}", re.DOTALL)
# The first entry of a table: empty key (two zeros), length of the value, the value. A few bytes
# come before it if the block is compressed.
_FIRST_ENTRY: Final = re.compile(rb"[^\0]{0,7}\0\0[\x80-\xff]{0,4}[\0-\x7f](.)", re.DOTALL)
_CONTROLS: Final = re.compile(r"[\0-\x08\x0e-\x1f]")

# The first word of a message's text, after blank lines and comments.
_FIRST_WORD: Final = re.compile(r"\ufeff?(?:\s|#[^\n]*\n)*([A-Za-z_]\w*)\s*[:{<]")
_WORDS: Final = {
    word: kind
    for kind, words in (
        (FileKind.GRAPH_DEF_TEXT, "node library version versions"),
        (
            FileKind.META_GRAPH_TEXT,
            "meta_info_def graph_def saver_def collection_def signature_def asset_file_def "
            "object_graph_def",
        ),
        (FileKind.SAVED_MODEL_TEXT, "saved_model_schema_version meta_graphs"),
        (
            FileKind.CHECKPOINT_STATE,
            "model_checkpoint_path all_model_checkpoint_paths all_model_checkpoint_timestamps "
            "last_preserved_timestamp",
        ),
    )
    for word in words.split()
}


def sniff(source: Path) -> FileKind:
    """What kind of file a path or some content is.

    Args:
        source: a path; or, as `bytes`, all that is in a file.

    Raises:
        NotFoundError: if there is no file at the path.
    """
    if isinstance(source, bytes):
        return kind_of("", source[:_HEAD_BYTES], source[-8:], len(source))
    path = path_text(source)
    files = filesystem(path)
    if files.is_folder(path):
        return FileKind.FOLDER
    with files.open_random_access(path) as file:
        head = bytes(file.read(0, min(file.size, _HEAD_BYTES)))
        last = min(file.size, 8)
        return kind_of(path, head, bytes(file.read(file.size - last, last)), file.size)


def what_it_is(data: bytes, wanted: Any) -> str:
    """A sentence on what ``data``, which is no binary message of the class ``wanted``, is instead."""
    kind = sniff(data)
    name = wanted.DESCRIPTOR.name
    if kind.value == f"a {name}":
        damage = find_damage(data, wanted.DESCRIPTOR)
        where = f", damaged at byte {damage.offset}: {damage.reason}" if damage else ", damaged"
        return f"These {len(data):,} bytes are a {name}{where}."
    hint = advice(kind, "")
    if kind.value == f"a {name} as text":
        hint = "Parse them with google.protobuf.text_format.Merge."
    return f"These {len(data):,} bytes are {kind.value}; a {name} was expected. {hint}".rstrip()


def kind_of(path: str, head: bytes, tail: bytes, size: int) -> FileKind:
    """The kind of a file of which the beginning, the last 8 bytes and the size are known.

    The data of a checkpoint has no mark at all; it is known by the file's name.
    """
    if size == 0:
        return FileKind.EMPTY
    named_data = _DATA_NAME.fullmatch(path) is not None
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset) and not (named_data and offset):
            return kind
    if _HTML.match(head):
        return FileKind.HTML
    if named_data:
        return FileKind.CHECKPOINT_DATA
    if tail == _TABLE_MAGIC:
        return _kind_of_table(head)
    if _is_records(head):
        return FileKind.EVENTS if b"brain.Event:" in head[:64] else FileKind.RECORDS
    text = _as_text(head, size)
    word = _FIRST_WORD.match(text) if text is not None else None
    if word and word[1] in _WORDS:
        return _WORDS[word[1]]
    message = kind_of_message(head, size)
    if message is not None:
        return message
    if text is None:
        return FileKind.UNKNOWN
    return FileKind.JSON if text.lstrip().startswith(("{", "[")) else FileKind.TEXT


def _kind_of_table(head: bytes) -> FileKind:
    """V1 begins with the list of its tensors, V2 with a header of numbers."""
    entry = _FIRST_ENTRY.match(head)
    old = entry is not None and entry[1] == b"\n"
    return FileKind.CHECKPOINT_V1 if old else FileKind.CHECKPOINT_INDEX


def _is_records(head: bytes) -> bool:
    """A record begins with its length and the checksum of that."""
    return len(head) >= 12 and mask(crc32c(head[:8])) == int.from_bytes(head[8:12], "little")


def _as_text(head: bytes, size: int) -> str | None:
    """The beginning of the file if it is text; the cut may go through a letter."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if len(head) == size or error.start < len(head) - 3:
            return None
        text = head[: error.start].decode()
    return None if _CONTROLS.search(text) else text
