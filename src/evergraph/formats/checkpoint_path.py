"""From whatever somebody calls "the checkpoint" to the files of one.

A checkpoint is several files that share a prefix, and the prefix is what TensorFlow wants to be
given. People give it the folder, the index, a data file, the ``.meta``, the state file. Each of
them stands for the checkpoint here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from evergraph import errors
from evergraph.formats import checkpoint_state
from evergraph.formats.bundle import INDEX_SUFFIX, META_SUFFIX, data_path, index_path, prefix_of
from evergraph.formats.bundle_entry import BundleHeader
from evergraph.formats.file_kind import HEAD_SIZE, describe
from evergraph.formats.table import TableReader
from evergraph.formats.wire import WireError
from evergraph.nearest import did_you_mean
from evergraph.storage import paths
from evergraph.storage.filesystem import Path, filesystem, is_remote, path_text

_STATE_NAME = "checkpoint"
# A state file has some lines for each checkpoint that is kept.
_MOST_STATE_BYTES = 64 << 20
_STEP = re.compile(r"(.*)-(\d+)", re.DOTALL)
_SHARD = re.compile(r"(.+)-(?:\d{5}|\?{5})-of-(\d{5})", re.DOTALL)


@dataclass(frozen=True)
class FoundCheckpoint:
    """Where a checkpoint is.

    Attributes:
        prefix: for format V2 the prefix; for V1 the file, or the pattern of its shards' names.
        version: 2 or 1.
        notice: what had to be assumed to find it, as a sentence; usually empty.
    """

    prefix: str
    version: int
    notice: str = ""


def find_checkpoint(path: Path) -> FoundCheckpoint:
    """The checkpoint that ``path`` means.

    Args:
        path: a prefix; one of a checkpoint's files (``.index``, ``.data-*``, ``.meta``; the file or
            a shard of format V1); a state file; or a folder with a state file, with a single
            checkpoint, or of a SavedModel.

    Raises:
        NotFoundError: there is none; the message says what is there instead.
        DataLossError: the file is something else, or damaged.
        InvalidArgumentError: a folder holds several, and no state file says which.
    """
    text = path_text(path)
    files = filesystem(text)
    if text and files.exists(index_path(text)):
        return FoundCheckpoint(text, 2)
    if files.is_folder(text):
        return _in_folder(text)
    if files.exists(text):
        return _by_file(text)
    member_of = prefix_of(text)
    if member_of is not None:
        return find_checkpoint(member_of)
    shard = _SHARD.fullmatch(text)
    if shard or list(_shards(text)):
        return _sharded(text if shard is None else shard[1])
    raise _nothing_there(text)


def _by_file(path: str) -> FoundCheckpoint:
    """The checkpoint that a file belongs to, names or is."""
    prefix = prefix_of(path)
    if prefix is not None:
        return find_checkpoint(prefix)
    with filesystem(path).open_random_access(path) as file:
        head = bytes(file.read(0, min(HEAD_SIZE, file.size)))
        if os.path.basename(path) == _STATE_NAME or b"model_checkpoint_path" in head:
            return _by_state(path)
    return _by_table(path)


def _by_table(path: str) -> FoundCheckpoint:
    """A file that is a checkpoint by itself: format V1."""
    with filesystem(path).open_random_access(path) as file:
        first = TableReader(file).first()
    if first is not None and first[0] == b"" and not first[1].startswith((b"\x08", b"\x1a")):
        shard = _SHARD.fullmatch(path)
        return FoundCheckpoint(path, 1) if shard is None else _sharded(shard[1])
    raise errors.InvalidValueError(
        None,
        None,
        f"{path} is a table, but not of a V1 checkpoint. If it is the index of a V2 checkpoint, "
        f"its name has to end in {INDEX_SUFFIX}, beside its data files.",
    )


def _shards(prefix: str) -> Iterator[tuple[str, str]]:
    """The shards of a V1 checkpoint: file name and total."""
    folder, name = paths.split(prefix)
    if not name or not filesystem(prefix).is_folder(folder or "."):
        return
    for file in filesystem(prefix).list_folder(folder or "."):
        match = _SHARD.fullmatch(file)
        if match and match[1] == name:
            yield os.path.join(folder, file), match[2]


def _sharded(prefix: str) -> FoundCheckpoint:
    shards = list(_shards(prefix))
    totals = {total for _, total in shards}
    if not shards:
        raise _nothing_there(prefix)
    if len(totals) > 1 or len(shards) != int(next(iter(totals))):
        raise errors.FileMissingError(
            None,
            None,
            f"The V1 checkpoint {prefix} is not whole: there are "
            f"{', '.join(os.path.basename(file) for file, _ in shards[:10])}.",
        )
    return FoundCheckpoint(f"{prefix}-?????-of-{totals.pop()}", 1)


# ------------------------------------------------------------------------------- state and folder


def _in_folder(folder: str) -> FoundCheckpoint:
    state = os.path.join(folder, _STATE_NAME)
    if filesystem(folder).exists(state):
        return _by_state(state)
    weights = os.path.join(folder, "variables", "variables")
    if filesystem(folder).exists(index_path(weights)):
        return FoundCheckpoint(weights, 2, f"{folder} is a SavedModel: its weights are {weights}.")
    prefixes = checkpoints_in(folder)
    if len(prefixes) == 1:
        notice = f"{folder} has no state file: its only checkpoint is taken, {prefixes[0]}."
        return FoundCheckpoint(os.path.join(folder, prefixes[0]), 2, notice)
    if prefixes:
        raise errors.InvalidValueError(
            None,
            None,
            f"{folder} has {len(prefixes)} checkpoints and no state file ('{_STATE_NAME}') to say "
            f"which is newest: open one by its prefix, {_some(prefixes)}.",
        )
    names = filesystem(folder).list_folder(folder)
    sharded = {
        match[1] for match in map(_SHARD.fullmatch, names) if match and not prefix_of(match[0])
    }
    if len(sharded) == 1:
        return _sharded(os.path.join(folder, sharded.pop()))
    raise errors.FileMissingError(
        None,
        None,
        f"There is no checkpoint in the folder {folder}: no state file '{_STATE_NAME}', no file "
        f"that ends in {INDEX_SUFFIX}. It has {_some(names) if names else 'no files'}.",
    )


def _by_state(path: str) -> FoundCheckpoint:
    """The newest checkpoint of those that a state file names whose files are all there."""
    folder, _ = paths.split(path)
    state = _read_state(path)
    named = [state.model_checkpoint_path, *reversed(state.all_model_checkpoint_paths)]
    if any("\0" in name for name in named):
        raise errors.DataLossError(
            None, None, f"{path} is damaged: it names a checkpoint with a zero byte in its name."
        )
    newest = named[0]
    for name in dict.fromkeys(named):
        for prefix in _places(name, folder):
            found = _complete(prefix)
            if found is None:
                continue
            notice = ""
            if name != newest:
                notice = (
                    f"{path} names {newest!r} as the newest checkpoint, which is not there or not "
                    f"whole: {name!r} is taken."
                )
            elif paths.is_absolute(name) and paths.absolute(name) != paths.absolute(prefix):
                notice = f"{path} names {name}: the one beside it is taken, {prefix}."
            return FoundCheckpoint(found.prefix, found.version, notice)
    there = checkpoints_in(folder or ".")
    if len(there) == 1:
        found = _complete(os.path.join(folder, there[0]))
        if found is not None:
            notice = (
                f"{path} names {newest!r}, which is not there: the only other is taken, {there[0]}."
            )
            return FoundCheckpoint(found.prefix, found.version, notice)
    outside = [name for name in named if os.path.isabs(name) and _complete(name)]
    raise errors.FileMissingError(
        None,
        None,
        f"{path} names the checkpoint {newest!r}, and not all of its files are in the folder "
        f"{folder or '.'}, nor those of an older one. "
        + (f"There is {outside[0]}: open it by that name. " if outside else "")
        + (f"Checkpoints there: {_some(there)}." if there else "No checkpoint is there."),
    )


def _read_state(path: str) -> checkpoint_state.CheckpointState:
    with filesystem(path).open_random_access(path) as file:
        data = bytes(file.read(0, min(file.size, _MOST_STATE_BYTES)))
    return checkpoint_state.parse(data, path)


def newest_first(folder: str, state: str | None) -> tuple[list[str], str | None]:
    """The prefixes of the checkpoints of a folder: the one that the state file names, then those that it names as
    kept, latest first, then others of format V2 that are there, by the time of their writing.

    Args:
        folder: where they are.
        state: the path of the state file, which need not be there; None to go without.

    Returns:
        The prefixes of those of which something is there; and the newest that the state file names where nothing of it
        is.

    Raises:
        DataLossError, InvalidArgumentError: there is a state file, and it is damaged.
    """
    files = filesystem(folder)
    named: list[str] = []
    if state is not None and files.exists(state):
        said = _read_state(state)
        named = [said.model_checkpoint_path, *reversed(said.all_model_checkpoint_paths)]
    there: dict[str, None] = {}
    absent: str | None = None
    for name in dict.fromkeys(named):
        place = next((place for place in _places(name, folder) if _is_begun(place)), None)
        if place is not None:
            there[place] = None
        elif name == named[0]:
            absent = name
    others = [os.path.join(folder, name) for name in checkpoints_in(folder)]
    others.sort(key=lambda prefix: files.stat(index_path(prefix)).mtime_nsec, reverse=True)
    return list(dict.fromkeys([*there, *others])), absent


def _is_begun(prefix: str) -> bool:
    """Whether there is anything of a checkpoint beside its graph."""
    files = filesystem(prefix)
    if files.exists(index_path(prefix)) or files.exists(prefix):
        return True
    shard = _SHARD.fullmatch(prefix)
    folder, name = paths.split(prefix)
    folder = folder or "."
    return bool(list(_shards(prefix if shard is None else shard[1]))) or (
        files.is_folder(folder)
        and any(file.startswith(f"{name}.data-") for file in files.list_folder(folder))
    )


def _places(name: str, folder: str) -> list[str]:
    """Where in the state file's folder a checkpoint of it may be: as named, or moved with it."""
    beside = os.path.join(folder, os.path.basename(name))
    inside = paths.below(paths.join(folder, name), folder)
    if inside is None or _leads_out(os.path.join(folder, inside), folder):
        return [beside]
    return [os.path.join(folder, inside), beside]


def _leads_out(path: str, folder: str) -> bool:
    """Whether a link on the way to ``path`` leads out of ``folder``; stores elsewhere have none."""
    if is_remote(folder):
        return False
    home = os.path.realpath(folder or ".")
    return os.path.commonpath([home, os.path.realpath(os.path.dirname(path) or ".")]) != home


def _complete(prefix: str) -> FoundCheckpoint | None:
    """The checkpoint at ``prefix``, if all its files are there."""
    files = filesystem(prefix)
    if not files.exists(index_path(prefix)):
        shard = _SHARD.fullmatch(prefix)
        try:
            if files.exists(prefix):
                return _by_table(prefix)
            return _sharded(prefix if shard is None else shard[1])
        except errors.OpError:
            return None
    with files.open_random_access(index_path(prefix)) as file:
        first = TableReader(file).first()
    try:
        shards = BundleHeader.decode(first[1]).num_shards if first is not None else 0
    except WireError:
        shards = 1  # damaged: to open it gives the better message
    names = set(files.list_folder(paths.split(prefix)[0] or "."))
    if shards > len(names):
        return None
    data = (os.path.basename(data_path(prefix, shard, shards)) for shard in range(shards))
    return FoundCheckpoint(prefix, 2) if all(name in names for name in data) else None


# ---------------------------------------------------------------------------------------- messages


def checkpoints_in(folder: str) -> list[str]:
    """The prefixes of the V2 checkpoints in a folder, sorted; none if there is no such folder."""
    try:
        names = filesystem(folder).list_folder(folder)
    except errors.OpError:
        return []
    return [name.removesuffix(INDEX_SUFFIX) for name in names if name.endswith(INDEX_SUFFIX)]


def _nothing_there(path: str) -> errors.OpError:
    folder, name = paths.split(path)
    there = checkpoints_in(folder or ".")
    message = (
        f"There is no checkpoint {path!r}: no {index_path(path)} (format V2), no such file (V1)."
    )
    files = filesystem(path)
    if folder and not files.is_folder(folder):
        message += f" There is no folder {folder}."
    elif any(file.startswith(f"{name}.data-") for file in files.list_folder(folder or ".")):
        message += " Its data is there, but only the index tells which tensors are in it."
    elif files.exists(path + META_SUFFIX):
        with files.open_random_access(path + META_SUFFIX) as file:
            kind = describe(bytes(file.read(0, min(HEAD_SIZE, file.size))))
        meant = (
            f"the graph, without the values of variables{'' if kind is None else f'; it is {kind}'}"
        )
        message += f" {path}{META_SUFFIX} is there: {meant}."
    elif there:
        message += did_you_mean(name, there) or f" Checkpoints there: {_some(there)}."
        message += _newer(folder, name)
    return errors.FileMissingError(None, None, message)


def _newer(folder: str, name: str) -> str:
    """For a checkpoint that is not there: whether a trainer has gone past it, and has deleted it most likely."""
    state = os.path.join(folder, _STATE_NAME)
    try:
        newest = os.path.basename(_read_state(state).model_checkpoint_path)
    except errors.OpError:
        return ""
    mine, its = _STEP.fullmatch(name), _STEP.fullmatch(newest)
    if mine is None or its is None or mine[1] != its[1] or int(mine[2]) >= int(its[2]):
        return ""
    return (
        f" The newest is {newest!r}, of a later step: a training run that keeps the last few (max_to_keep) deletes "
        "those before. Ask tf.train.latest_checkpoint again; what evergraph.open_checkpoint has opened stays "
        "readable to the end."
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
