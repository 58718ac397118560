"""What ``evergraph inspect`` finds out about a path: plain values, as its JSON shows them.

No tensor's value is read: a checkpoint costs its index, a graph its nodes; only records are gone through.
"""

from __future__ import annotations

import os
from typing import Any

from evergraph import errors
from evergraph.cli.checkpoint_facts import base_of, checkpoint_facts, step_of
from evergraph.formats.checkpoint_path import FoundCheckpoint, checkpoints_in, find_checkpoint
from evergraph.formats.checkpoint_state import parse, resolve, state_path
from evergraph.formats.kinds import SAVED_MODELS, FileKind, advice
from evergraph.formats.saved_model_folder import model_file, versions
from evergraph.formats.sniff import sniff
from evergraph.storage import paths
from evergraph.storage.filesystem import filesystem

Facts = dict[str, Any]

_GRAPHS = (FileKind.GRAPH_DEF, FileKind.GRAPH_DEF_TEXT)
_METAS = (FileKind.META_GRAPH, FileKind.META_GRAPH_TEXT)
_CHECKPOINTS = (
    FileKind.CHECKPOINT_INDEX,
    FileKind.CHECKPOINT_DATA,
    FileKind.CHECKPOINT_V1,
)


def facts_of(path: str) -> Facts:
    """What is known of the file, folder or checkpoint at ``path``; ``"kind"`` says what it is.

    Raises NotFoundError, DataLossError, or InvalidArgumentError where it is nothing of ours.
    """
    files = filesystem(path)
    kind = FileKind.SAVED_MODEL
    if files.is_folder(path):
        if model_file(path) is None:
            newest = versions(path)[-1:]
            if not newest or checkpoints_in(path):
                return _folder(path)
            path = newest[0]
    elif not files.exists(path):
        return checkpoint_facts(find_checkpoint(path))
    else:
        kind = sniff(path)
    if kind is FileKind.CHECKPOINT_STATE:
        return _folder(paths.split(path)[0] or ".", os.path.basename(path))
    if kind in _CHECKPOINTS:
        return checkpoint_facts(find_checkpoint(path))
    # What a checkpoint has no need of is not imported for one.
    from evergraph.cli import graph_facts, record_facts

    if kind in _GRAPHS:
        return graph_facts.graph_file_facts(path)
    if kind in _METAS or path.endswith(".meta"):
        return graph_facts.meta_graph_facts(path)
    if kind in SAVED_MODELS:
        return graph_facts.saved_model_facts(path)
    compression = record_facts.compression_of(path, kind)
    if compression is not None:
        return record_facts.record_facts(path, compression)
    raise errors.InvalidArgumentError(
        None, None, f"{path} is {kind.value}. {advice(kind, path)}".rstrip()
    )


def _folder(folder: str, state_name: str = "checkpoint") -> Facts:
    """A folder of checkpoints: all of them, and the latest in full."""
    state = state_path(folder, state_name)
    files = filesystem(folder)
    latest: FoundCheckpoint | None = None
    problem = ""
    try:
        latest = find_checkpoint(state if state_name != "checkpoint" else folder)
    except errors.InvalidArgumentError as error:
        problem = error.message  # Several, and nothing says which: they are listed.
    paths = {os.path.join(folder, name) for name in checkpoints_in(folder)}
    kept: list[str] = []
    if files.exists(state):
        named = resolve(parse(files.read_file(state), state), folder).all_model_checkpoint_paths
        # A folder that was moved: its state file may name the place where it was.
        beside = {os.path.basename(path): path for path in paths}
        kept = [beside.get(os.path.basename(prefix), prefix) for prefix in named]
    if latest is not None:
        paths.add(latest.prefix)
    checkpoints = [
        {
            "prefix": prefix,
            "step": step_of(prefix),
            "latest": latest is not None and prefix == latest.prefix,
            "in_state_file": prefix in kept,
            "graph": files.exists(base_of(prefix) + ".meta"),
        }
        for prefix in sorted(paths, key=lambda prefix: (step_of(prefix) or -1, prefix))
    ]
    missing = [
        prefix for prefix in kept if prefix not in paths and not files.exists(prefix + ".index")
    ]
    return {
        "kind": "folder",
        "path": folder,
        "checkpoints": checkpoints,
        "missing": missing,
        "notice": problem,
        "latest": None if latest is None else checkpoint_facts(latest),
    }
