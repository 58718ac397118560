"""Checkpoints as mappings from names to arrays: ``open_checkpoint`` and ``save_checkpoint``."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.formats.dtypes import DType
from evergraph.formats.object_graph import OBJECT_GRAPH_KEY, ObjectGraph
from evergraph.formats.renaming import RenamedReader, Rules, TensorReader, new_names
from evergraph.formats.tensor_info import Place, TensorInfo
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.formats.wire import WireError
from evergraph.nearest import did_you_mean
from evergraph.storage.filesystem import Path, filesystem, path_text

_LOG = logging.getLogger("evergraph")
_SHOWN = 10
_MOST_LOOKS = 5


class Checkpoint(Mapping[str, np.ndarray[Any, Any]]):
    """An open checkpoint: a read-only mapping from the names of tensors to their values.

    A value is read when it is asked for, and is the caller's own array. Strings are arrays of
    bytes objects. Several threads may read. Made by `open_checkpoint`; may be used in a ``with``
    statement, and closes itself when nobody uses it any more.

    Of an object-based checkpoint (``tf.train.Checkpoint``, Keras) the mapping has the keys that are
    in the file, such as ``model/dense/kernel/.ATTRIBUTES/VARIABLE_VALUE``; whatever takes a name also
    takes an object's path (``model/dense/kernel``, by any way through the objects) or a variable's own
    name (``dense/kernel``), if it means one tensor only.

    Attributes:
        prefix: the beginning of its files' names.
        format_version: 2 or 1.
        notice: what had to be assumed to find it, or an empty string.
    """

    def __init__(
        self,
        prefix: str,
        format_version: int,
        notice: str = "",
        *,
        reader: TensorReader | None = None,
    ) -> None:
        self.prefix = prefix
        self.format_version = format_version
        self.notice = notice
        self._reader: TensorReader
        if reader is not None:
            self._reader = reader
        elif format_version == 2:
            self._reader = BundleReader(prefix)
        else:
            from evergraph.formats.tensor_slices import TensorSliceReader

            self._reader = TensorSliceReader(prefix)

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        """The value of a tensor.

        Raises:
            KeyNotFoundError (a KeyError): there is no such tensor; the message names the nearest.
            DataLossError: its bytes are damaged.
        """
        return self._reader.read(self._key(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._reader.names())

    def __len__(self) -> int:
        return len(self._reader)

    def __contains__(self, name: object) -> bool:
        return len(self._keys(name)) == 1

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a tensor, or ``default`` if there is none of this name."""
        if name in self:
            return self[name]
        return default

    def info(self, name: str) -> TensorInfo:
        """Type, shape, size and slices of a tensor, without reading it."""
        return self._reader.info(self._key(name))

    def places(self, name: str) -> list[Place]:
        """In which data files a tensor lies: one place, or one for each slice."""
        return self._reader.places(self._key(name))

    @property
    def num_shards(self) -> int:
        """How many data files there are."""
        return self._reader.num_shards

    def dtype(self, name: str) -> DType:
        """The type of a tensor (``.as_numpy_dtype`` is NumPy's)."""
        return self.info(name).dtype

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return self.info(name).shape

    @property
    def tensors(self) -> list[TensorInfo]:
        """What is known of every tensor without reading any, sorted by name."""
        return self._reader.infos()

    @property
    def nbytes(self) -> int:
        """How many bytes all tensors take together."""
        return sum(info.nbytes for info in self.tensors)

    def read_slice(
        self, name: str, part: TensorSlice | str, verify: bool = False
    ) -> np.ndarray[Any, Any]:
        """A part of a tensor, such as ``"0,10:-"`` (the first ten rows).

        Of a partitioned variable, only the slices that the part touches are read, and of a slice (or a whole tensor) of
        more than 16 MiB only the part: that cannot be held against the checksum, which is over all its bytes.
        ``verify`` goes through all of them first. In format V1 a slice is always read whole and verified.
        """
        box = TensorSlice.parse(part) if isinstance(part, str) else part
        return self._reader.read_slice(self._key(name), box, verify)

    def rename(self, rules: Rules) -> Checkpoint:
        """This checkpoint under other names: a view, which reads a tensor when it is asked for.

            trained = evergraph.open_checkpoint("bert_model.ckpt")
            renamed = trained.rename({"^bert/": "encoder/", "/(gamma|beta)$": r"/norm_\1", "adam_": None})
            evergraph.save_checkpoint("renamed.ckpt", renamed)  # one tensor at a time

        The object graph of an object-based checkpoint is left out where a name changes, because
        it would tell of keys that are not there; ``ckpt.object_graph.full_name`` and ``.path`` are rules
        that give such a checkpoint names as a graph's Saver writes them.

        Args:
            rules: regular expressions with what replaces them, applied in order as ``re.sub`` does
                (every occurrence, anywhere in the name): a text with ``\\1`` for groups, a function of
                the match, or None to drop tensors in whose name the expression is found. Or one
                function, from a name to the new one or None.

        Returns:
            The view. Closing it closes this checkpoint.

        Raises:
            InvalidArgumentError: an expression is none, or two tensors would have one name (the
                message tells both).
        """
        names = [name for name in self if name != OBJECT_GRAPH_KEY]
        found = new_names(names, rules)
        if OBJECT_GRAPH_KEY in self._reader and found == dict(zip(names, names, strict=True)):
            found[OBJECT_GRAPH_KEY] = OBJECT_GRAPH_KEY
        reader = self._reader
        if isinstance(reader, RenamedReader):
            own = reader.own_names
            reader, found = reader.reader, {own[old]: new for old, new in found.items()}
        reader = RenamedReader(reader, found)
        return Checkpoint(self.prefix, self.format_version, self.notice, reader=reader)

    @property
    def renamed(self) -> bool:
        """Whether this is a view under other names than the file's."""
        return isinstance(self._reader, RenamedReader)

    @property
    def original_names(self) -> dict[str, str]:
        """The names in the file by the names here, which are the same where nothing is renamed."""
        if isinstance(self._reader, RenamedReader):
            return {name: self._reader.own_names[name] for name in self}
        return {name: name for name in self}

    @cached_property
    def _has_objects(self) -> bool:
        return OBJECT_GRAPH_KEY in self._reader

    @cached_property
    def object_graph(self) -> ObjectGraph | None:
        """The objects of an object-based checkpoint, with paths, names and slots; None of any other.

        Raises:
            DataLossError: it is damaged.
        """
        if not self._has_objects:
            return None
        data = self._reader.read(OBJECT_GRAPH_KEY)
        try:
            if data.shape != () or not isinstance(data.item(), bytes):
                raise WireError(f"it is a tensor {data.dtype} of shape {data.shape}")
            return ObjectGraph.decode(data.item())
        except WireError as error:
            raise errors.DataLossError(
                None, None, f"The object graph of checkpoint {self.prefix} is damaged: {error}."
            ) from error

    @cached_property
    def _objects(self) -> ObjectGraph:
        """The objects; an empty graph where there are none that can be read."""
        with suppress(errors.OpError):
            return self.object_graph or ObjectGraph(())
        return ObjectGraph(())

    def _keys(self, name: object) -> list[str]:
        """The keys of all tensors that ``name`` means."""
        if name in self._reader:
            return [str(name)]
        if not isinstance(name, str):
            return []
        return [key for key in self._objects.keys(name) if key in self._reader]

    def _key(self, name: str) -> str:
        """The key of the tensor that ``name`` means."""
        if not self._has_objects or name in self._reader:
            return name  # if it is not there, the reader says so
        keys = self._keys(name)
        if len(keys) == 1:
            return keys[0]
        objects = self._objects
        if not objects.nodes:
            return name
        if keys:
            raise errors.KeyNotFoundError(
                None,
                None,
                f"Key {name} means {len(keys)} tensors of checkpoint {self.prefix}; by their keys: "
                f"{', '.join(map(repr, keys[:_SHOWN]))}.",
            )
        raise errors.KeyNotFoundError(
            None,
            None,
            f"Key {name} not found in checkpoint {self.prefix}, which is object-based (TensorFlow 2) "
            f"and has {len(self)} tensors."
            + did_you_mean(name, [*objects.by_path, *objects.by_full_name]),
        )

    def close(self) -> None:
        """Gives the files back; reading is over."""
        self._reader.close()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    # Two checkpoints are not compared value by value by accident.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        head = f"<Checkpoint {self.prefix!r}, format V{self.format_version}"
        if self.renamed:
            head += ", renamed"
        try:
            names = list(self)
        except errors.OpError as error:
            return f"{head}: {error.message}>"
        lines = [f"{head}, {len(names)} tensors"]
        for name in names[:_SHOWN]:
            try:
                info = self.info(name)
                lines.append(f"  {name}  {info.dtype.name} {list(info.shape)}")
            except errors.OpError:
                lines.append(f"  {name}  damaged")
        if len(names) > _SHOWN:
            lines.append(f"  ... and {len(names) - _SHOWN} more")
        return "\n".join(lines) + ">"


def open_checkpoint(path: Path) -> Checkpoint:
    """Opens a checkpoint for reading.

    Only the index is read; `Checkpoint` reads a tensor when it is asked for.

        with evergraph.open_checkpoint("runs/model.ckpt-2000") as ckpt:
            kernel = ckpt["conv_1/kernel"]

    Args:
        path: the prefix, any of the checkpoint's files, its folder (the newest checkpoint that is
            whole, by the state file), or a SavedModel's folder; on a disk or in a remote store
            (``s3://bucket/runs``), where a tensor costs its own bytes.

    Raises:
        NotFoundError (a FileNotFoundError): there is none; the message says what is there.
        DataLossError: the files are damaged, or are something else.
    """
    for looks_left in reversed(range(_MOST_LOOKS)):
        try:
            found = find_checkpoint(path)
            opened = Checkpoint(found.prefix, found.version, found.notice)
        except errors.NotFoundError:
            # A training run may have deleted the newest since it was named, and saved a newer one.
            if not looks_left or not filesystem(path_text(path)).is_folder(path_text(path)):
                raise
        else:
            break
    if found.notice:
        _LOG.warning("%s", found.notice)
    return opened
