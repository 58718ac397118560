"""The folder of a SavedModel, and the folder of versions that TensorFlow Serving is given:

export/1538687457/          a version; the highest number is the newest
    saved_model.pb          the MetaGraphs: a SavedModel message (or saved_model.pbtxt, as text)
    variables/variables.*   a checkpoint (a tensor bundle)
    assets/                 files that the graph reads, such as vocabularies
"""

from __future__ import annotations

import os
from typing import Final

from evergraph.errors import FileMissingError
from evergraph.formats.kinds import FileKind, advice
from evergraph.storage.filesystem import filesystem

#: Where both are there, TensorFlow reads the first.
_MODEL_FILES: Final = ("saved_model.pb", "saved_model.pbtxt")
_SPLIT: Final = "saved_model.cpb"
_MOST_LISTED: Final = 5


def model_file(folder: str) -> str | None:
    """The file with the MetaGraphs of the SavedModel in ``folder``; None where it holds none."""
    files = filesystem(folder)
    for name in _MODEL_FILES:
        path = os.path.join(folder, name)
        if files.exists(path):
            return path
    return None


def versions(folder: str) -> list[str]:
    """The numbered folders in ``folder`` that hold a SavedModel, the newest last."""
    files = filesystem(folder)
    if not files.is_folder(folder):
        return []
    numbered = [name for name in files.list_folder(folder) if name.isascii() and name.isdigit()]
    paths = [os.path.join(folder, name) for name in sorted(numbered, key=int)]
    return [path for path in paths if model_file(path) is not None]


def missing(folder: str) -> FileMissingError:
    """The error for a folder that holds no SavedModel: what it holds instead."""
    head = f"SavedModel file does not exist at: {folder}/{{saved_model.pbtxt|saved_model.pb}}. "
    files = filesystem(folder)
    if not files.is_folder(folder):
        return FileMissingError(None, None, head + "There is no such folder.")
    found = versions(folder)
    if found:
        names = [os.path.basename(path) for path in found]
        shown = ", ".join(names[-_MOST_LISTED:])
        hint = (
            f"It holds versions of one ({'..., ' if len(names) > _MOST_LISTED else ''}{shown}): give one of them, "
            f"the newest is {found[-1]}. (evergraph.load_model takes the newest by itself.)"
        )
    elif files.exists(os.path.join(folder, _SPLIT)):
        hint = f"It holds {_SPLIT}, TensorFlow's split form for graphs beyond 2 GB, which is not read here."
    else:
        names = sorted(files.list_folder(folder))
        shown = ", ".join(names[:_MOST_LISTED]) + (", ..." if len(names) > _MOST_LISTED else "")
        hint = f"It holds {shown}." if names else "It is empty."
        if any(name.endswith((".pb", ".pbtxt", ".meta")) for name in names):
            hint = advice(FileKind.FOLDER, folder)
    return FileMissingError(None, None, head + hint)
