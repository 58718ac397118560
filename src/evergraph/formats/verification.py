"""Whether a checkpoint is whole: every checksum looked at, and nothing kept.

    report = verify_checkpoint("runs/model.ckpt-2000")
    if not report.whole:
        print(report)         # what is damaged, where, and what can still be read

Numbers and strings of format V2 pass through a buffer of a megabyte, in the order in which they lie in the file;
of format V1 the largest slice is in memory, of the graph in the ``.meta`` all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from evergraph import errors
from evergraph.formats import checkpoint_state
from evergraph.formats.bundle import META_SUFFIX, data_path, index_path
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.checkpoint_path import FoundCheckpoint, find_checkpoint, newest_first
from evergraph.formats.damage import Damage
from evergraph.formats.kinds import SAVED_MODELS, FileKind
from evergraph.formats.saved_model_folder import model_file
from evergraph.formats.sniff import sniff
from evergraph.formats.tensor_info import TensorInfo
from evergraph.storage import paths
from evergraph.storage.filesystem import Path, filesystem, path_text

_MOST_LISTED = 20
_SHARD_PATTERN = "-?????-of-"
#: The prefix of the checkpoint in a SavedModel's folder.
_VARIABLES = os.path.join("variables", "variables")

# TensorFlow's are ``m.index.tempstate123456``, ``checkpoint.tmp0a1b2c3d``.
_UNFINISHED = re.compile(r"\.tempstate\d+$|\.tmp[0-9a-f]{8,}$|\.evergraph-(?:tmp|new|old)-")

# What is whole or not by rules of its own.
_OTHER_KINDS = frozenset(
    (
        FileKind.GRAPH_DEF,
        FileKind.GRAPH_DEF_TEXT,
        FileKind.META_GRAPH,
        FileKind.META_GRAPH_TEXT,
        FileKind.EVENTS,
        FileKind.RECORDS,
        FileKind.HDF5,
        FileKind.TFLITE,
        FileKind.ONNX,
        FileKind.NUMPY,
    )
)

#: Is told after each tensor how many bytes are done, and how many there are.
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class VerificationReport:
    """What was found in a checkpoint; ``str()`` tells it.

    Attributes:
        prefix: the checkpoint.
        format_version: 2 or 1; 0 where that cannot be told.
        damage: what is wrong; nothing where it is whole.
        readable: the names of the tensors that can be read, all of whose checksums are right.
        lost: the names of those that cannot.
        unknown: the names of those of types that no array holds, which were not looked at.
        nbytes: how many bytes the readable ones take.
        has_graph: whether a ``.meta`` (or, of a SavedModel, its file) is there.
        notice: what had to be assumed to find it, or an empty string.
    """

    prefix: str
    format_version: int
    damage: tuple[Damage, ...] = ()
    readable: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    nbytes: int = 0
    has_graph: bool = False
    notice: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damage

    def __str__(self) -> str:
        count = f"{len(self.readable):,} tensor{'s' * (len(self.readable) != 1)}"
        if self.whole:
            graph = "the graph parses" if self.has_graph else "no graph (.meta) is there"
            unknown = f"; not looked at, of types that cannot be read: {_some(self.unknown)}"
            return (
                f"{self.prefix}: whole. {count} with {self.nbytes:,} bytes, every checksum is right; "
                f"{graph}{unknown if self.unknown else ''}."
            )
        lines = [f"{self.prefix}: damaged."]
        lines += [f"  {damage.message}" for damage in self.damage[:_MOST_LISTED]]
        if len(self.damage) > _MOST_LISTED:
            lines.append(f"  ... and {len(self.damage) - _MOST_LISTED} more")
        lost = f"; lost: {_some(self.lost)}" if self.lost else ""
        if self.readable:
            lines.append(f"  Still readable with evergraph.open_checkpoint: {count}{lost}.")
        elif self.format_version:
            lines.append(f"  No tensor can be read{lost}.")
        return "\n".join(lines)


def verify_checkpoint(path: Path, progress: Progress | None = None) -> VerificationReport:
    """Looks at every checksum of a checkpoint, index and tensors, and whether the ``.meta`` beside it parses.

    Damage is no error here: it is what the report is for.

    Args:
        path: as ``open_checkpoint`` takes it; of a folder, the newest checkpoint.
        progress: is called after each tensor with the bytes that are done and those there are.

    Raises:
        NotFoundError: there is no checkpoint.
        InvalidArgumentError: a folder holds several, and no state file says which is the newest; or it is a file of
            another kind.
    """
    text = path_text(path)
    try:
        found = find_checkpoint(text)
    except errors.DataLossError as error:
        kind = sniff(text)
        if kind in SAVED_MODELS:
            return verify_checkpoint(paths.split(text)[0] or ".", progress)
        if kind in _OTHER_KINDS:
            raise errors.InvalidValueError(
                None,
                None,
                f"{text} is {kind.value}, and no checkpoint: `evergraph inspect` shows what is in it.",
            ) from error
        return VerificationReport(text, 0, (Damage.of(error, text),))
    except errors.NotFoundError:
        if model_file(text) is None:
            raise
        found = FoundCheckpoint(os.path.join(text, _VARIABLES), 0)  # a SavedModel without variables
    checked = _Checked(found)
    if found.version:
        checked.tensors(progress)
    checked.graph()
    return checked.report()


def newest_whole(
    folder: Path, state_name: str | None = None, progress: Progress | None = None
) -> tuple[VerificationReport | None, list[VerificationReport]]:
    """The newest checkpoint of a folder that is whole, or None; and the reports of newer ones, newest first.

    Newest is what the state file names, then what it names as kept, then others that are there, by the time of their
    writing.
    """
    passed_over: list[VerificationReport] = []
    for report in verify_folder(folder, state_name, progress):
        if report.whole:
            return report, passed_over
        passed_over.append(report)
    return None, passed_over


def verify_folder(
    folder: Path, state_name: str | None = None, progress: Progress | None = None
) -> Iterator[VerificationReport]:
    """The reports of all checkpoints of a folder, newest first, each made when it is asked for."""
    text = path_text(folder)
    state = checkpoint_state.state_path(text, state_name)
    try:
        prefixes, absent = newest_first(text, state)
    except errors.OpError as error:  # the state file is damaged; the checkpoints need not be
        yield VerificationReport(state, 0, (Damage.of(error, state),))
        prefixes, absent = newest_first(text, None)
    if absent is not None:
        message = f"{state} names {absent} as the newest checkpoint, which is not there."
        yield VerificationReport(absent, 0, (Damage(state, None, "", message),))
    for prefix in prefixes:
        try:
            yield verify_checkpoint(prefix, progress)
        except errors.OpError as error:  # it has been removed since, or is half of one
            yield VerificationReport(prefix, 0, (Damage.of(error, prefix),))


def unfinished_files(folder: Path) -> dict[str, int]:
    """The files in a folder that a save has not finished, ours or TensorFlow's, with their sizes: it is being written
    now, or the process died. Ours are swept by the next save; TensorFlow leaves its own for ever."""
    text = path_text(folder)
    files = filesystem(text)
    return {
        name: files.stat(os.path.join(text, name)).length
        for name in files.list_folder(text)
        if _UNFINISHED.search(name)
    }


class _Reader(Protocol):
    """What is asked of a reader here."""

    num_shards: int

    def salvage(self) -> tuple[list[str], list[errors.DataLossError]]: ...
    def info(self, name: str) -> TensorInfo: ...
    def verify(self, name: str) -> None: ...
    def close(self) -> None: ...


@dataclass
class _Checked:
    """A checkpoint while it is gone through."""

    found: FoundCheckpoint
    damage: list[Damage] = field(default_factory=list)
    readable: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    nbytes: int = 0
    has_graph: bool = False

    def tensors(self, progress: Progress | None) -> None:
        prefix = self.found.prefix
        is_v2 = self.found.version == 2
        file = index_path(prefix) if is_v2 else prefix
        try:
            reader = _open(self.found)
        except errors.OpError as error:
            self.damage.append(Damage.of(error, file))
            return
        try:
            names, lost = reader.salvage()
            self.damage += [Damage.of(error, file) for error in lost]
            if is_v2:
                self._shards(reader.num_shards)
            self._all(reader, names, file, progress)
        finally:
            reader.close()

    def _shards(self, count: int) -> None:
        """Data files that are missing, also where no tensor lies in them."""
        names = set(filesystem(self.found.prefix).list_folder(_folder_of(self.found.prefix)))
        for shard in range(count if count <= len(names) else 0):
            path = data_path(self.found.prefix, shard, count)
            if os.path.basename(path) not in names:
                message = f"{path} is missing: data file {shard} of {count}, counted from 0."
                self.damage.append(Damage(path, None, "", message))
                self.missing.add(path)

    def _all(self, reader: _Reader, names: list[str], file: str, progress: Progress | None) -> None:
        sizes: dict[str, int] = {}
        for name in names:
            with suppress(errors.OpError):  # verifying it says so
                sizes[name] = reader.info(name).nbytes
        total, done = sum(sizes.values()), 0
        for name in names:
            size = sizes.get(name, 0)
            try:
                reader.verify(name)
            except errors.UnimplementedError:
                self.unknown.append(name)
            except errors.OpError as error:
                self.lost.append(name)
                damage = Damage.of(error, file, name)
                if damage.file not in self.missing:
                    self.damage.append(damage)
            else:
                self.readable.append(name)
                self.nbytes += size
            done += size
            if progress is not None:
                progress(done, total)

    def graph(self) -> None:
        """Whether the ``.meta``, or the file of the SavedModel, parses."""
        prefix = self.found.prefix
        meta = prefix.partition(_SHARD_PATTERN)[0] + META_SUFFIX
        folder = _folder_of(_folder_of(prefix))
        saved = model_file(folder) if prefix.endswith(_VARIABLES) else None
        try:
            # What reading graphs needs is not loaded for a checkpoint without one.
            if filesystem(meta).exists(meta):
                from evergraph.formats.graph_file import read_meta_graph

                self.has_graph = True
                read_meta_graph(meta)
            elif saved is not None:
                from evergraph.formats.graph_file import read_saved_model

                self.has_graph = True
                read_saved_model(saved)
        except errors.OpError as error:
            self.damage.append(Damage.of(error, saved or meta))

    def report(self) -> VerificationReport:
        return VerificationReport(
            self.found.prefix,
            self.found.version,
            tuple(self.damage),
            tuple(sorted(self.readable)),
            tuple(sorted(self.lost)),
            tuple(sorted(self.unknown)),
            self.nbytes,
            self.has_graph,
            self.found.notice,
        )


def _open(found: FoundCheckpoint) -> _Reader:
    if found.version == 2:
        return BundleReader(found.prefix)
    from evergraph.formats.tensor_slices import TensorSliceReader

    return TensorSliceReader(found.prefix)


def _folder_of(prefix: str) -> str:
    return paths.split(prefix)[0] or "."


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown
