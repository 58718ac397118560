"""Copying a file from any store to any other."""

from __future__ import annotations

from evergraph import errors
from evergraph.storage.filesystem import filesystem


def copy_file(old: str, new: str) -> None:
    """Copies one file; the copy appears whole, in place of any file that is there.

    Raises:
        NotFoundError: there is no file ``old``, or no folder for ``new``.
        FailedPreconditionError: one of them is a folder.
    """
    with (
        filesystem(old).open_random_access(old) as source,
        filesystem(new).publication("none", make_folders=False) as files,
    ):
        if filesystem(new).is_folder(new):
            raise errors.IsFolderError(
                None, None, f"{new}; Is a directory: give the copy's own name."
            )
        copied = files.create(new, source.size)
        for offset in range(0, source.size, source.piece):
            copied.write(source.read(offset, min(source.piece, source.size - offset)))
