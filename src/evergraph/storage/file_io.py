"""What ``tensorflow.python.lib.io.file_io`` has beside `gfile`: whole files as text."""

from __future__ import annotations

from typing import Any

from evergraph.storage.filesystem import Path, filesystem, path_text
from evergraph.storage.gfile import Exists, GFile
from evergraph.storage.publish import publish_bytes


def read_file_to_string(filename: Path, binary_mode: bool = False) -> Any:
    """All that is in a file, as text, or with ``binary_mode`` as bytes. NotFoundError if there is none."""
    with GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: Path, file_content: str | bytes) -> None:
    """Writes text (UTF-8) or bytes to a file, in place of what is there."""
    with GFile(filename, "w") as file:
        file.write(file_content)


def atomic_write_string_to_file(
    filename: Path, contents: str | bytes, overwrite: bool = True
) -> None:
    """As `write_string_to_file`, all or nothing. AlreadyExistsError if there is a file and not ``overwrite``."""
    from evergraph import errors

    if not overwrite and Exists(filename):
        raise errors.FileAlreadyExistsError(
            None, None, f"file already exists: {path_text(filename)}"
        )
    publish_bytes(filename, contents.encode() if isinstance(contents, str) else contents)


def has_atomic_move(path: Path) -> bool:
    """Whether renaming a file there is one step, which nobody sees the middle of."""
    return filesystem(path).replaces_sets
