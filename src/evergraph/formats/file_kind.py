"""What a file is by its first bytes, for messages about a file that is not what it should be."""

from __future__ import annotations

HEAD_SIZE = 512
"""How many bytes from the beginning of a file `describe` likes to see."""

_TEXT = frozenset(range(32, 127)) | frozenset(b"\t\n\r\f\b") | frozenset(range(128, 256))


def describe(head: bytes) -> str | None:
    """What a file is, as words for a sentence; None if it may be anything.

    Args:
        head: its first `HEAD_SIZE` bytes, or all of a shorter file.
    """
    if not head:
        return "an empty file"
    start = head.lstrip()[:100].lower()
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML): the download gave a page instead of the file"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if all(byte in _TEXT for byte in head):
        if b"model_checkpoint_path" in head:
            return "a checkpoint state file, which names checkpoints"
        if start.startswith((b"node {", b"node{", b"meta_info_def", b"graph_def", b"library {")):
            return "a graph as text (.pbtxt)"
        return "a text file"
    return None


_BEGINNINGS = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself: `git lfs pull` downloads that",
    ),
    (b"\x1f\x8b", "compressed by gzip: unpack it first"),
    (b"BZh", "compressed by bzip2: unpack it first"),
    (b"\xfd7zXZ", "compressed by xz: unpack it first"),
    (b"PK\x03\x04", "a zip archive: a .keras or .npz file, or one to unpack first"),
    (b"\x89HDF\r\n", "an HDF5 file, such as Keras weights (.h5)"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x80\x02}", "a Python pickle"),
    (b"\x80\x03}", "a Python pickle"),
    (b"\x80\x04\x95", "a Python pickle"),
    (
        b"\x08\x01\x12",
        "perhaps a SavedModel (saved_model.pb): its weights lie in variables/variables",
    ),
)
