"""The text file named `checkpoint`: which checkpoint of a folder is the newest, which are kept.

It is the message CheckpointState as protobuf text, one field a line::

    model_checkpoint_path: "model.ckpt-2000"
    all_model_checkpoint_paths: "model.ckpt-1000"
    all_model_checkpoint_paths: "model.ckpt-2000"
    all_model_checkpoint_timestamps: 1500000000.25
    all_model_checkpoint_timestamps: 1500000600.5
    last_preserved_timestamp: 1500000000.0

Paths are prefixes, absolute or relative to the folder of the file.

The functions here work on text and paths: reading the file, writing it safely, and judging
whether the checkpoints it names are there is for those above.  Lines of the usual form are
understood here; for any other the protobuf library is asked, which decides what is valid.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evergraph.errors import DataLossError, InvalidValueError
from evergraph.formats import protos
from evergraph.formats.text_escape import quote
from evergraph.storage import paths
from evergraph.storage.filesystem import is_remote

_LINE = re.compile(r'(\w+): (?:"([^"\\]*)"|(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?))')


@dataclass(frozen=True)
class CheckpointState:
    """What the file says, with TensorFlow's names for it.

    Attributes:
        model_checkpoint_path: prefix of the newest checkpoint.
        all_model_checkpoint_paths: those that are kept, oldest first; may be empty.
        all_model_checkpoint_timestamps: when each was made, in seconds since 1970; empty
            in files that TensorFlow before 1.13 wrote.
        last_preserved_timestamp: when the newest of those was made that are never deleted.
    """

    model_checkpoint_path: str
    all_model_checkpoint_paths: tuple[str, ...] = ()
    all_model_checkpoint_timestamps: tuple[float, ...] = ()
    last_preserved_timestamp: float = 0.0

    def to_proto(self) -> Any:
        """The same as a CheckpointState message."""
        return protos.CheckpointState(
            model_checkpoint_path=self.model_checkpoint_path,
            all_model_checkpoint_paths=self.all_model_checkpoint_paths,
            all_model_checkpoint_timestamps=self.all_model_checkpoint_timestamps,
            last_preserved_timestamp=self.last_preserved_timestamp,
        )


def state_path(folder: str, latest_filename: str | None = None) -> str:
    """Where the state of a folder lies: its file `checkpoint`, unless another name is given."""
    return os.path.join(folder, latest_filename or "checkpoint")


def parse(text: str | bytes, path: str) -> CheckpointState:
    """Reads the text of a state file.

    Args:
        text: what is in the file.
        path: the file, for messages.

    Raises:
        DataLossError: if it is not such a file (TensorFlow warns, and goes on without).
        InvalidValueError: if it names no checkpoint.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise _damaged(path, f"byte {error.start} is not UTF-8 text") from None
    fields = _parse_usual(text)
    if fields is None:
        fields = _parse_any(text, path)
    if not fields.model_checkpoint_path:
        raise InvalidValueError(
            None,
            None,
            f"Invalid checkpoint state loaded from {os.path.dirname(path)}: the file {path} "
            "names no checkpoint (model_checkpoint_path is missing or empty).",
        )
    return fields


def format_state(state: CheckpointState) -> str:
    """The text of a state file, byte for byte what TensorFlow 1.x to 2.15 writes."""
    lines = []
    if state.model_checkpoint_path:
        lines.append(f"model_checkpoint_path: {quote(state.model_checkpoint_path.encode())}\n")
    for path in state.all_model_checkpoint_paths:
        lines.append(f"all_model_checkpoint_paths: {quote(path.encode())}\n")
    for seconds in state.all_model_checkpoint_timestamps:
        lines.append(f"all_model_checkpoint_timestamps: {float(seconds)}\n")
    if state.last_preserved_timestamp:
        lines.append(f"last_preserved_timestamp: {float(state.last_preserved_timestamp)}\n")
    return "".join(lines)


def resolve(state: CheckpointState, folder: str) -> CheckpointState:
    """The state with relative paths put behind the folder of its file, as TensorFlow does."""

    def full(path: str) -> str:
        return path if paths.is_absolute(path) else os.path.join(folder, path)

    return _with_paths(state, full)


def make_state(
    folder: str,
    newest: str,
    kept: Sequence[str] | None = None,
    timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    relative: bool = False,
) -> CheckpointState:
    """The state to write for a folder (TensorFlow's `generate_checkpoint_state_proto`).

    Args:
        folder: where the file will lie.
        newest: prefix of the newest checkpoint, as the program writes it.
        kept: prefixes that are kept, oldest first; `newest` is added if it is not last.
        timestamps: when each of `kept` was made.
        last_preserved_timestamp: when the newest of those was made that are never deleted.
        relative: write absolute prefixes relative to the folder.

    Raises:
        InvalidValueError: if there are timestamps, but not one for each checkpoint.
    """
    names = list(kept or ())
    if not names or names[-1] != newest:
        names.append(newest)
    if timestamps and len(timestamps) != len(names):
        raise InvalidValueError(
            None,
            None,
            "Number of timestamps, if provided, must match checkpoints: there are "
            f"{len(timestamps)} timestamps for {len(names)} checkpoints: {names}.",
        )
    state = CheckpointState(
        newest, tuple(names), tuple(timestamps or ()), last_preserved_timestamp or 0.0
    )

    def as_written(path: str) -> str:
        if is_remote(path):
            return paths.below(path, folder) or path
        if os.path.isabs(path):
            return os.path.relpath(path, folder) if relative else path
        # What a program calls "out/m" is "m" to the file, which lies in "out".
        return path if paths.is_absolute(folder) else os.path.relpath(path, folder)

    return _with_paths(state, as_written)


def _with_paths(state: CheckpointState, change: Callable[[str], str]) -> CheckpointState:
    return replace(
        state,
        model_checkpoint_path=change(state.model_checkpoint_path),
        all_model_checkpoint_paths=tuple(map(change, state.all_model_checkpoint_paths)),
    )


def _parse_usual(text: str) -> CheckpointState | None:
    """The state, if every line has the form that TensorFlow writes and no escapes; else None."""
    newest, preserved = "", 0.0
    paths: list[str] = []
    timestamps: list[float] = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        name, string, number = match.groups()
        if name == "model_checkpoint_path" and string is not None:
            newest = string
        elif name == "all_model_checkpoint_paths" and string is not None:
            paths.append(string)
        elif name == "all_model_checkpoint_timestamps" and number is not None:
            timestamps.append(float(number))
        elif name == "last_preserved_timestamp" and number is not None:
            preserved = float(number)
        else:
            return None
    return CheckpointState(newest, tuple(paths), tuple(timestamps), preserved)


def _parse_any(text: str, path: str) -> CheckpointState:
    from google.protobuf import text_format

    try:
        read = text_format.Merge(text, protos.CheckpointState())
    except text_format.ParseError as error:
        raise _damaged(path, str(error)) from None
    return CheckpointState(
        read.model_checkpoint_path,
        tuple(read.all_model_checkpoint_paths),
        tuple(read.all_model_checkpoint_timestamps),
        read.last_preserved_timestamp,
    )


def _damaged(path: str, reason: str) -> DataLossError:
    return DataLossError(
        None,
        None,
        f"{path} is not a checkpoint state file: {reason}. Such a file is a few lines of text "
        'like `model_checkpoint_path: "model.ckpt-1000"`; the checkpoints beside it can be '
        "opened by their own names.",
    )
