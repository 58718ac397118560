"""The kinds of file that come up where a graph or a checkpoint is wanted.

Half of all trouble with model files is the right call on the wrong file.  Each kind here
comes with what it is and what to do with it, for the error that says so; `sniff` tells
which one a file is.
"""

from __future__ import annotations

import enum
from typing import Final

from evergraph.formats.bundle import prefix_of
from evergraph.storage.filesystem import filesystem


class FileKind(enum.Enum):
    """The kinds that are told apart. The value says what a file is, after "is"."""

    GRAPH_DEF = "a GraphDef"
    GRAPH_DEF_TEXT = "a GraphDef as text"
    META_GRAPH = "a MetaGraphDef"
    META_GRAPH_TEXT = "a MetaGraphDef as text"
    SAVED_MODEL = "a SavedModel"
    SAVED_MODEL_TEXT = "a SavedModel as text"
    CHECKPOINT_STATE = "a checkpoint state file, which only names checkpoints"
    CHECKPOINT_INDEX = "the index of a checkpoint, which holds variables but no graph"
    CHECKPOINT_DATA = "part of a checkpoint, which holds variables but no graph"
    CHECKPOINT_V1 = "a checkpoint in the old one-file format, which holds variables but no graph"
    EVENTS = "an event file of TensorBoard"
    RECORDS = "a file of records (TFRecord)"
    FOLDER = "a folder"
    EMPTY = "empty (0 bytes)"
    GIT_LFS_POINTER = "a Git LFS pointer, a few lines of text that stand for the file"
    HTML = "a web page (HTML)"
    JSON = "JSON text"
    GZIP = "compressed (gzip)"
    ARCHIVE = "an archive (zip, tar, bzip2, xz or 7z)"
    HDF5 = "an HDF5 file, as Keras writes"
    TFLITE = "a TensorFlow Lite model"
    ONNX = "an ONNX model"
    NUMPY = "a NumPy array (.npy)"
    PICKLE = "a Python pickle"
    TEXT = "text of no kind that is known here"
    UNKNOWN = "of no kind that is known here"


#: What the file with the MetaGraphs of a SavedModel may be.
SAVED_MODELS: Final = (FileKind.SAVED_MODEL, FileKind.SAVED_MODEL_TEXT)

_IMPORT_GRAPH = "Import it with tf.import_graph_def."
_IMPORT_META = "Import it with tf.train.import_meta_graph."
_LOAD_SAVED = "Load the folder that it is in with tf.saved_model.loader.load."
_GRAPH_BESIDE = "The graph of a checkpoint, if it was saved with it, is the .meta file beside it."

_ADVICE: Final = {
    FileKind.GRAPH_DEF: _IMPORT_GRAPH,
    FileKind.GRAPH_DEF_TEXT: _IMPORT_GRAPH,
    FileKind.META_GRAPH: _IMPORT_META,
    FileKind.META_GRAPH_TEXT: _IMPORT_META,
    FileKind.SAVED_MODEL: _LOAD_SAVED,
    FileKind.SAVED_MODEL_TEXT: _LOAD_SAVED,
    FileKind.CHECKPOINT_STATE: _GRAPH_BESIDE,
    FileKind.CHECKPOINT_INDEX: _GRAPH_BESIDE,
    FileKind.CHECKPOINT_DATA: _GRAPH_BESIDE,
    FileKind.CHECKPOINT_V1: _GRAPH_BESIDE,
    FileKind.EMPTY: "Whatever wrote or copied it did not finish: get the file again.",
    FileKind.GIT_LFS_POINTER: "Fetch the file itself: run `git lfs pull` in its repository.",
    FileKind.HTML: "A server sent a page instead of the file: log in first, or use the direct "
    "link (on GitHub, the one behind 'Raw').",
    FileKind.GZIP: "Unpack it first (gunzip, or tar xzf).",
    FileKind.ARCHIVE: "Unpack it first.",
    FileKind.UNKNOWN: "It is damaged, encrypted, or the file of another program.",
}


def advice(kind: FileKind, path: str) -> str:
    """What to do with a file of this kind where another was wanted; a sentence, or nothing."""
    prefix = prefix_of(path)
    if kind in (FileKind.CHECKPOINT_INDEX, FileKind.CHECKPOINT_DATA) and prefix:
        return f"The graph of this checkpoint, if it was saved with it, is {prefix}.meta."
    if kind is FileKind.FOLDER:
        return _what_is_in(path)
    return _ADVICE.get(kind, "")


def _what_is_in(folder: str) -> str:
    names = sorted(filesystem(folder).list_folder(folder))
    graphs = [name for name in names if name.endswith((".pb", ".pbtxt", ".meta"))]
    if not graphs:
        return "It holds no .pb, .pbtxt or .meta file."
    more = ", ..." if len(graphs) > 5 else ""
    return f"It holds {', '.join(graphs[:5])}{more}."
