"""Saver: saves a session's variables to checkpoints, restores them, and keeps a number of them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.bundle_increment import based_on
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.formats.protos import SaverDef
from evergraph.graph import collection_protos
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.runtime.session import BaseSession
from evergraph.storage import paths
from evergraph.storage.publish import Durability, one_set, publish_bytes
from evergraph.train import meta_graph
from evergraph.train.background_saves import BackgroundSaves, SaveReport
from evergraph.train.checkpoints import STATE_FILE, meta_graph_filename, update_checkpoint_state
from evergraph.train.global_step import global_step as read_global_step
from evergraph.train.meta_graph_files import MetaGraphFiles
from evergraph.train.restore_errors import explain
from evergraph.train.retention import Retention
from evergraph.train.saved_values import SavedTensors, inputs_of, save_ops
from evergraph.train.saver_builder import BulkSaverBuilder
from evergraph.train.saver_defs import check_saver_def, with_scope, without_scope
from evergraph.train.saver_notices import SaverNotices
from evergraph.variables.collections import all_saveable_objects

_LOG = logging.getLogger("evergraph")


class Saver:
    """Adds nodes that save and restore variables, and manages the checkpoints that they write (``tf.train.Saver``).

    Args:
      var_list: the variables (or SaveableObjects), as a list, or as a dict by the names that they have in checkpoints;
        None for all saveable objects of the default graph.
      reshape: restore from tensors of another shape with as many elements.
      sharded: one shard of data for each device.
      max_to_keep: how many of the last checkpoints are kept; None or 0 for all.
      keep_checkpoint_every_n_hours: one checkpoint in so many hours is kept for good.
      name: the name scope of the nodes (``save``).
      restore_sequentially: accepted, and without effect as in TensorFlow: one node reads all tensors, one by one.
      saver_def: the SaverDef of nodes that are there already.
      builder: another builder of the nodes.
      defer_build: leave building to ``build()``.
      allow_empty: no variables are no error; saving does nothing then.
      write_version: ``SaverDef.V2`` or ``SaverDef.V1``.
      pad_step_number: write the step with at least eight digits.
      save_relative_paths: write relative paths into the state file, so that the folder can be moved.
      filename: the prefix to use where none is fed.
      durability: ``"full"``: when ``save`` returns, a power failure harms nothing; ``"file"``: nor does it harm the
        files, but the newest names may be lost; ``"none"``: safe when the process is killed, fastest: no fsync at all.
      keep_across_restarts: take up the list of checkpoints in the state file at the first save, so that
        ``max_to_keep`` holds over several runs of a program.
      most_in_flight: how many saves may be going on in the background before a further one waits.
      incremental: tensors that have not changed since the last checkpoint (saved or restored) are not written again;
        the new checkpoint shares their bytes with it. Each is whole by itself. Not for sharded savers.
      keep_best: so many checkpoints with the best ``metric`` (as given to ``save``) stay beside those newest ones;
        ``best_checkpoints`` lists them. A later process does not know their metrics.
      lower_is_better: the metric is a loss.

    Raises:
      TypeError, ValueError: ``var_list`` holds something else, or names or variables twice; no variables to save.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = SaverDef.V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
        *,
        durability: Durability = "full",
        keep_across_restarts: bool = False,
        most_in_flight: int = 1,
        incremental: bool = False,
        keep_best: int = 0,
        lower_is_better: bool = False,
    ) -> None:
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. "
                "Either set defer_build=False or var_list=None."
            )
        self._var_list = var_list
        self._reshape = reshape
        self._sharded = sharded
        self._max_to_keep = max_to_keep
        self._keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self._name = name
        self._restore_sequentially = restore_sequentially
        self.saver_def = saver_def
        self._builder = builder
        self._allow_empty = allow_empty
        self._write_version = write_version
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._is_built = False
        self._is_empty = False
        self._has_warned = False
        self._notices = SaverNotices()
        self._durability: Durability = durability
        self._keep_across_restarts = keep_across_restarts
        self._retention = Retention(keep_best, lower_is_better)
        self._background = BackgroundSaves(most_in_flight)
        self._saved_tensors: SavedTensors | None = None
        self._incremental = incremental
        self._last_prefix: str | None = None
        self._meta_graphs = MetaGraphFiles()
        if not defer_build:
            self.build()
        elif saver_def:
            check_saver_def(saver_def)
            self._write_version = saver_def.version

    def build(self) -> None:
        """Adds the nodes, where they are not there yet. Raises ValueError where there is nothing to save."""
        if self._is_built:
            return
        self._is_built = True
        if self.saver_def is None:
            variables = all_saveable_objects() if self._var_list is None else self._var_list
            self._var_list = variables
            if isinstance(variables, (list, tuple, set, dict)) and not variables:
                if not self._allow_empty:
                    raise errors.documented(
                        ValueError(
                            "No variables to save: var_list is empty, or the default graph has no variables (yet). "
                            "Make the Saver after the model, and in its graph (with graph.as_default():)."
                        )
                    )
                self._is_empty = True
                return
            builder = self._builder or BulkSaverBuilder(self._write_version)
            self.saver_def = builder.build(
                variables,
                reshape=self._reshape,
                sharded=self._sharded,
                max_to_keep=self._max_to_keep,
                keep_checkpoint_every_n_hours=self._keep_checkpoint_every_n_hours,
                name=self._name,
                restore_sequentially=self._restore_sequentially,
                filename=self._filename,
            )
        elif self._name:
            # The nodes were imported under a scope.
            self.saver_def = with_scope(self.saver_def, self._name)
        check_saver_def(self.saver_def)
        self._write_version = self.saver_def.version
        self._retention.keep_one_every(self.saver_def.keep_checkpoint_every_n_hours)

    # Saving

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
        *,
        asynchronous: bool = False,
        metric: float | None = None,
    ) -> str | None:
        """Saves the variables under the prefix ``save_path`` (``-step`` behind it where ``global_step`` is given).

        The data, the ``.meta`` and the index appear together, then the state file names the checkpoint, and only then
        are old ones deleted: whenever the process dies, the state file names a whole checkpoint.

        With ``asynchronous``, the values are those of now, and the rest is done while the program goes on. What goes
        wrong there is logged, and raised by the next ``save``, when that has saved, or by ``wait()``. What later runs
        write to meanwhile is copied. The process must not change its folder meanwhile, unless the path is absolute.

        Returns the prefix to restore from; None for an empty saver. Raises TypeError where ``sess`` is no session,
        ValueError for a ``latest_filename`` with a path or the same as the checkpoint, RuntimeError before ``build()``.
        """
        started = time.perf_counter()
        if not self._is_built:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        self._warn_of_format()
        latest_filename = latest_filename or STATE_FILE
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        if not isinstance(sess, BaseSession):
            raise TypeError(f"'sess' must be a Session; {sess}")
        prefix = _as_text(save_path)
        path = self._path(sess, prefix, global_step, latest_filename)
        if not self._is_empty:
            self._notices.before_save(sess.graph, self.saver_def)
        earlier = self._background.make_room(others=asynchronous)
        meta: dict[str, bytes] = {}
        if write_meta_graph:
            meta = self._meta_graphs.files(
                sess.graph,
                self.export_meta_graph,
                meta_graph_filename(path, meta_graph_suffix),
                strip_default_attrs,
                save_debug_info,
            )

        def write(values: Mapping[Any, Any]) -> str | None:
            saved = self._write(sess, path, values, meta)
            if saved is not None and write_state:
                folder = paths.split(prefix)[0]
                self._keep(saved, folder, latest_filename, meta_graph_suffix, metric)
            return saved

        if self._is_empty or not (asynchronous or self._incremental):
            result = write({})
        else:
            name = self.saver_def.save_tensor_name
            if self._saved_tensors is None or not self._saved_tensors.are_of(sess.graph, name):
                self._saved_tensors = SavedTensors(sess.graph, name)
            snapshot, values = self._saved_tensors.take(sess)
            if asynchronous:
                self._background.start(sess, snapshot, started, lambda: write(values) or path)
                result = self._name_of_shards(sess, path)
            else:
                try:
                    result = write(values)
                finally:
                    snapshot.release()
        if earlier is not None:  # Only now: what can be saved is.
            raise earlier
        return result

    def _name_of_shards(self, sess: BaseSession, path: str) -> str:
        """What ``save`` returns for a checkpoint that is not there yet."""
        if self._write_version == SaverDef.V1 and self.saver_def.sharded:
            shards = len(save_ops(sess.graph, self.saver_def.save_tensor_name))
            return f"{path}-?????-of-{shards:05d}"
        return path

    def wait(self) -> list[SaveReport]:
        """Waits for the saves that go on in the background; what each of them took, oldest first.

        Raises what went wrong in one of them.
        """
        return self._background.wait()

    def _path(self, sess: BaseSession, prefix: str, global_step: Any, latest_filename: str) -> str:
        """The prefix of the checkpoint, with the step."""
        if global_step is not None:
            step = (
                global_step
                if isinstance(global_step, (int, np.integer))
                else int(read_global_step(sess, global_step))
            )
            return f"{prefix}-{step:08d}" if self._pad_step_number else f"{prefix}-{step}"
        if os.path.basename(prefix) == latest_filename and not self._sharded:
            raise ValueError(
                f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{prefix}'"
            )
        return prefix

    def _write(
        self, sess: BaseSession, path: str, values: Mapping[Any, Any], others: Mapping[str, bytes]
    ) -> str | None:
        """Writes the files of a checkpoint and ``others`` beside them.

        ``values`` are of tensors that are to be saved, in place of the variables' own.
        """
        saved = None
        # One set: the prefix is there with all its files, or not at all.
        base = self._last_prefix if self._incremental and not self._sharded else None
        with one_set(path, self._durability), based_on(base):
            if not self._is_empty:
                feeds = {self.saver_def.filename_tensor_name: path, **inputs_of(values)}
                saved = _as_text(sess.run(self.saver_def.save_tensor_name, feeds))
            for name, contents in others.items():
                publish_bytes(name, contents, self._durability)
        self._last_prefix = path
        return saved

    def _keep(
        self,
        saved: str,
        folder: str,
        latest_filename: str,
        meta_graph_suffix: str,
        metric: float | None,
    ) -> None:
        """Makes a checkpoint the latest, and deletes those that are too many."""
        if self._keep_across_restarts and not self._retention.entries:
            self._retention.recover_from(folder or ".", latest_filename)
        self._retention.record(saved, self.saver_def.max_to_keep, metric)
        update_checkpoint_state(
            folder,
            saved,
            self._retention.paths,
            latest_filename,
            save_relative_paths=self._save_relative_paths,
            durability=self._durability,
        )
        self._retention.delete_doomed(self.saver_def.version, meta_graph_suffix, self._durability)

    def _warn_of_format(self) -> None:
        if self._write_version != SaverDef.V2 and not self._has_warned:
            self._has_warned = True
            _LOG.warning(
                "TensorFlow's V1 checkpoint format has been deprecated. Consider switching to the more efficient V2 "
                "format, which is the default: tf.train.Saver(write_version=tf.train.SaverDef.V2)"
            )

    # Restoring

    def restore(self, sess: Any, save_path: Any) -> None:
        """Sets the variables to what they were in the checkpoint; they need not be initialized.

        ``save_path`` is a prefix, as ``save`` returns it, or any of the checkpoint's files. Of an object-based
        checkpoint (``tf.train.Checkpoint``, Keras) the tensors are found by the variables' names when it was saved, or
        by their paths through the objects. To restore a part, or under other names, see ``evergraph.restore``.

        Raises ValueError where it is None or there is no checkpoint, NotFoundError where variables are not in it (all
        of them named, with the nearest names), InvalidArgumentError where shapes or types differ, DataLossError where
        the file is damaged. The ``report`` of the first two tells the same as a RestoreReport.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise errors.documented(
                ValueError(
                    "Can't load save_path when it is None. (tf.train.latest_checkpoint gives None where the folder has "
                    "no 'checkpoint' state file, or what that names is not there.)"
                )
            )
        self._background.wait()
        prefix = _checkpoint_at(_as_text(save_path))
        _LOG.info("Restoring parameters from %s", prefix)
        try:
            sess.run(self.saver_def.restore_op_name, {self.saver_def.filename_tensor_name: prefix})
        except (errors.NotFoundError, errors.InvalidArgumentError) as error:
            raise explain(error, prefix, sess.graph, self.saver_def) from None
        self._notices.after_restore(sess, self.saver_def, prefix)
        self._retention.restored = self._last_prefix = prefix

    # The checkpoints so far

    @property
    def last_checkpoints(self) -> list[str]:
        """The checkpoints that are kept for now, oldest first."""
        return self._retention.paths if self.saver_def and self.saver_def.max_to_keep else []

    @property
    def best_checkpoints(self) -> list[str]:
        """The checkpoints with the best metric, the best one first (``keep_best``)."""
        return self._retention.best

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Sets the list of checkpoints, without their times (deprecated in TensorFlow)."""
        if not isinstance(last_checkpoints, list):
            raise AssertionError("last_checkpoints must be a list")
        self._retention.entries = [(path, float("inf")) for path in last_checkpoints]

    def set_last_checkpoints_with_time(
        self, last_checkpoints_with_time: Sequence[tuple[str, float]]
    ) -> None:
        """Sets the list of checkpoints with the times of their saving, oldest first."""
        if not isinstance(last_checkpoints_with_time, list):
            raise AssertionError("last_checkpoints must be a list")
        self._retention.entries = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
        """Takes up the list of checkpoints of an earlier process; those that are not there any more are left out."""
        self._retention.recover(checkpoint_paths)

    # Protos

    def as_saver_def(self) -> Any:
        """The SaverDef of this saver."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The SaverDef, its names without ``export_scope``; None where the saver lies outside of it."""
        if export_scope is None or self.saver_def is None:
            return self.saver_def
        return without_scope(self.saver_def, export_scope)

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> Saver:
        """The saver that a SaverDef describes, its nodes imported under ``import_scope``."""
        return Saver(saver_def=saver_def, name=import_scope)

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Iterable[str] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """The default graph as a MetaGraphDef with this saver's SaverDef, also written to ``filename``."""
        return meta_graph.export_meta_graph(
            filename=filename,
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
            save_debug_info=save_debug_info,
        )


def get_saver_or_default() -> Saver:
    """The saver of the collection SAVERS, or a new sharded one for all variables, which is put there.

    Raises RuntimeError where there are several.
    """
    graph = get_default_graph()
    savers: list[Saver] = graph.get_collection(GraphKeys.SAVERS)
    if len(savers) > 1:
        raise RuntimeError(
            f"More than one item in collection {GraphKeys.SAVERS}: there are {len(savers)}. "
            "Please indicate which one to use by passing it to the constructor."
        )
    if not savers:
        savers = [Saver(sharded=True, allow_empty=True)]
        graph.add_to_collection(GraphKeys.SAVERS, savers[0])
    return savers[0]


def import_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    **kwargs: Any,
) -> Saver | None:
    """Adds the graph of a MetaGraph (a message, or the path of a ``.meta``) to the default graph, with its collections.

    Returns the saver that its SaverDef describes; one for all variables where it has none; None where there are no
    variables either. ``kwargs``: ``input_map``, ``restore_collections_predicate``.
    """
    message = meta_graph.as_meta_graph_def(meta_graph_or_file)
    variables = meta_graph.import_scoped_meta_graph(
        message, clear_devices=clear_devices, import_scope=import_scope, **kwargs
    )
    if message.HasField("saver_def"):
        # The scope may have come out under another name than was asked for, where that was taken.
        scope = import_scope
        if import_scope and variables:
            name, variable = next(iter(variables.items()))
            scope = variable.name.removesuffix(name).rstrip("/")
        return Saver(saver_def=message.saver_def, name=scope)
    return Saver() if all_saveable_objects(scope=import_scope) else None


def _as_text(path: Any) -> str:
    path = os.fspath(path) if hasattr(path, "__fspath__") else path
    return path.decode() if isinstance(path, bytes) else str(path)


def _checkpoint_at(path: str) -> str:
    """The prefix of the checkpoint that ``path`` means: itself, that of one of its files, or the latest of a folder."""
    try:
        found = find_checkpoint(path)
    except errors.OpError as error:
        raise errors.documented(
            ValueError(f"The passed save_path is not a valid checkpoint: {path}. {error.message}")
        ) from None
    if found.notice:
        _LOG.warning(found.notice)
    return found.prefix


collection_protos.register_proto_function(
    GraphKeys.SAVERS, proto_type=SaverDef, to_proto=Saver.to_proto, from_proto=Saver.from_proto
)
