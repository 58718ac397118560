"""load_model: a file somebody trained, as a function of its inputs."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from typing import Any

import evergraph.ops  # noqa: F401  # declares the ops that graphs consist of
from evergraph import errors
from evergraph.formats import graph_file
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.formats.kinds import SAVED_MODELS, FileKind
from evergraph.formats.saved_model_folder import model_file, versions
from evergraph.formats.sniff import sniff
from evergraph.graph.collections import GraphKeys
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.runtime.limits import Limits
from evergraph.runtime.session import Session
from evergraph.serving.model import Model, bounded, damage_told, graph_model
from evergraph.serving.saved_model import serve
from evergraph.storage import paths
from evergraph.storage.filesystem import filesystem, path_text
from evergraph.train.checkpoints import STATE_FILE, graph_file_of
from evergraph.train.restore_only import restore_only
from evergraph.train.saver import import_meta_graph

_GRAPHS = (FileKind.GRAPH_DEF, FileKind.GRAPH_DEF_TEXT)
#: A model that takes longer than this for one call has most likely been made to.
DEFAULT_SECONDS = 600.0
#: The same of memory, and of turns.
DEFAULT_BYTES = 4 << 30
DEFAULT_STEPS = 10_000_000
_LOG = logging.getLogger("evergraph")


def load_model(
    path: Any,
    outputs: str | Sequence[str] | None = None,
    *,
    signature: str | None = None,
    tags: str | Collection[str] | None = None,
    allow: Collection[str] = (),
    seconds: float | None = DEFAULT_SECONDS,
    bytes: int | None = DEFAULT_BYTES,
    steps: int | None = DEFAULT_STEPS,
) -> Model:
    """A trained model, ready to be called.

    Args:
      path: a frozen graph (``.pb``, ``.pbtxt``), a checkpoint with its ``.meta`` (prefix, folder or any of its files),
        a SavedModel (its folder or file), or a folder of numbered versions of one (the newest is taken).
      outputs: the names of the outputs; None for those of the signature, or the likeliest ends of the graph.
      signature: of a SavedModel, what to call it for; None for ``serving_default``, or the only one there is. All of
        them are in ``model.signatures``.
      tags: of a SavedModel, which of its graphs; None for the only one, or the one to ``serve``.
      allow: what its graph may do beside computing: ``"files"`` to read and write them, ``"python"`` to call Python
        functions. A file from a stranger gets neither; the assets of a SavedModel, inside its folder, are read.
      seconds: how long one call may take; None for ever. Looked at before each operation of the graph.
      bytes: how much memory the values of one call may take at a time, by default 4 GiB; None for any.
      steps: how many iterations of loops and calls of functions one call may have, by default ten million.

    Raises:
      NotFoundError: nothing is there, or no graph. DataLossError: it is damaged.
      InvalidArgumentError: it is something else, no output can be worked out, there is no such signature or tag.
      PermissionDeniedError: loading it would do more than restore variables and fill tables.
    """
    text = path_text(path)
    limits = Limits(seconds, bytes, steps)
    graph = Graph()
    with graph.as_default():
        folder = _saved_model_folder(text)
        if folder is not None:
            return serve(graph, folder, outputs, signature, tags, allow, limits)
        if signature is not None or tags is not None:
            raise errors.InvalidValueError(
                None, None, f"{text} is no SavedModel: it has neither signatures nor tags."
            )
        if _kind(text) in _GRAPHS:
            message = graph_file.read_graph_def(text)
            with damage_told(f"file {text}", text):
                import_graph_def(message, name="")
            session = bounded(graph, allow, limits)
        else:
            session = _from_checkpoint(graph, text, allow, limits)
        return graph_model(graph, session, text, outputs)


def _kind(path: str) -> FileKind | None:
    try:
        return sniff(path)
    except errors.NotFoundError:
        return None  # A prefix is no file.


def _saved_model_folder(path: str) -> str | None:
    """The folder of the SavedModel that ``path`` means; None where it means something else."""
    files = filesystem(path)
    if not files.is_folder(path):
        return (paths.split(path)[0] or ".") if _kind(path) in SAVED_MODELS else None
    if model_file(path) is not None:
        return path
    found = versions(path)
    if not found or files.exists(os.path.join(path, STATE_FILE)):
        return None
    if len(found) > 1:
        _LOG.info("%s holds %d versions; the newest is taken: %s", path, len(found), found[-1])
    return found[-1]


def _from_checkpoint(graph: Graph, path: str, allow: Collection[str], limits: Limits) -> Session:
    found = find_checkpoint(path)
    meta = graph_file_of(found.prefix)
    with damage_told(f"file {meta}", found.prefix):
        saver = import_meta_graph(meta, clear_devices=True)
    session = bounded(graph, allow, limits)
    if saver is not None:
        # Restoring is what the caller asked for; the graph itself gets no more than ``allow``.
        session.limit(capabilities=frozenset({"files"}), **limits._asdict())
        restore_only(session, saver, found.prefix)
        session.limit(capabilities=frozenset(allow), **limits._asdict())
    _fill_tables(session)
    return session


def _fill_tables(session: Session) -> None:
    """Runs the initializers of the graph's tables, so far as the session may."""
    for initializer in session.graph.get_collection(GraphKeys.TABLE_INITIALIZERS):
        try:
            session.run(initializer)
        except errors.PermissionDeniedError as error:
            _LOG.warning("A lookup table stays empty: %s", error.message)
