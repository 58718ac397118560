"""Loading a SavedModel into a session (``tf.saved_model.loader``)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from evergraph.formats.graph_file import read_saved_model
from evergraph.formats.saved_model_folder import model_file
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.saved_model import constants
from evergraph.saved_model.assets import asset_paths
from evergraph.saved_model.signature_defs import load_op_from_signature_def
from evergraph.saved_model.tensor_info import scoped
from evergraph.storage.filesystem import Path, path_text
from evergraph.train.saver import Saver, import_meta_graph
from evergraph.variables.collections import all_saveable_objects


def maybe_saved_model_directory(export_dir: Path) -> bool:
    """Whether there is a ``saved_model.pb`` or ``saved_model.pbtxt`` in the folder."""
    return model_file(path_text(export_dir)) is not None


def load(
    sess: Any,
    tags: Iterable[str],
    export_dir: Path,
    import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:
    """Loads the MetaGraph with exactly these ``tags`` into the session's graph: its nodes, the values of its
    variables; then runs its main op, with the assets fed.

    ``import_scope`` is put before all names; ``saver_kwargs`` are those of ``tf.train.import_meta_graph``.

    Returns the MetaGraphDef. Raises RuntimeError where no MetaGraph has these tags, NotFoundError where there is no
    SavedModel, and what restoring raises.
    """
    return SavedModelLoader(export_dir).load(sess, tags, import_scope, **saver_kwargs)


class SavedModelLoader:
    """A SavedModel, to be loaded step by step.

    Raises NotFoundError where there is none in the folder, DataLossError where it is damaged.
    """

    def __init__(self, export_dir: Path) -> None:
        self._export_dir = path_text(export_dir)
        self._saved_model = read_saved_model(self._export_dir)

    @property
    def export_dir(self) -> str:
        """The folder."""
        return self._export_dir

    @property
    def variables_path(self) -> str:
        """The prefix of the checkpoint with the variables."""
        return os.path.join(
            self._export_dir, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME
        )

    @property
    def saved_model(self) -> Any:
        """The SavedModel message."""
        return self._saved_model

    def get_meta_graph_def_from_tags(self, tags: Iterable[str]) -> Any:
        """The MetaGraph with exactly these tags. Raises RuntimeError, with those that there are, where none has."""
        wanted = {tags} if isinstance(tags, str) else set(tags)
        for meta_graph in self._saved_model.meta_graphs:
            if set(meta_graph.meta_info_def.tags) == wanted:
                return meta_graph
        raise RuntimeError(
            f"MetaGraphDef associated with tags {_listed(wanted)} could not be found in SavedModel "
            f"{self._export_dir}, with available tags {self.available_tags()}."
        )

    def available_tags(self) -> str:
        """The tags of each MetaGraph, as text."""
        found = [_listed(meta.meta_info_def.tags) for meta in self._saved_model.meta_graphs]
        return ", ".join(found) or "(none: it holds no MetaGraph)"

    def load_graph(
        self,
        graph: Graph,
        tags: Iterable[str],
        import_scope: str | None = None,
        **saver_kwargs: Any,
    ) -> tuple[Saver | None, None]:
        """Adds the nodes to ``graph``; the saver that restores its variables, or None, is first in what is returned."""
        meta_graph = self.get_meta_graph_def_from_tags(tags)
        with graph.as_default():
            return import_meta_graph(meta_graph, import_scope=import_scope, **saver_kwargs), None

    def restore_variables(
        self, sess: Any, saver: Saver | None, import_scope: str | None = None
    ) -> None:
        """Gives the variables their values. Raises ValueError where there are variables and no saver."""
        with sess.graph.as_default():
            if saver is not None:
                saver.restore(sess, self.variables_path)
            elif all_saveable_objects(scope=import_scope):
                raise ValueError(
                    "No tf.train.Saver object was passed to the function `SavedModelLoader.restore_variables`. Since "
                    "there are variables in the graph, a saver is required."
                )

    def run_init_ops(self, sess: Any, tags: Iterable[str], import_scope: str | None = None) -> None:
        """Runs the main op of the MetaGraph, where it has one, with the assets fed."""
        meta_graph = self.get_meta_graph_def_from_tags(tags)
        with sess.graph.as_default():
            paths = asset_paths(self._export_dir, meta_graph, import_scope)
            op = init_op(meta_graph, import_scope)
            if op is not None:
                sess.run([op], paths)

    def load(
        self, sess: Any, tags: Iterable[str], import_scope: str | None = None, **saver_kwargs: Any
    ) -> Any:
        """All of the steps; returns the MetaGraphDef. See ``load`` of this module."""
        tags = [tags] if isinstance(tags, str) else list(tags)
        saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
        self.restore_variables(sess, saver, import_scope)
        self.run_init_ops(sess, tags, import_scope)
        return self.get_meta_graph_def_from_tags(tags)


def init_op(meta_graph: Any, import_scope: str | None = None) -> Any:
    """The operation of the default graph that a MetaGraph wants to be run when it has been loaded, or None.

    Raises RuntimeError where a collection names several, NotFoundError where the signature names none.
    """
    key = constants.INIT_OP_SIGNATURE_KEY
    if key in meta_graph.signature_def:
        return load_op_from_signature_def(meta_graph.signature_def[key], key, import_scope)
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in meta_graph.collection_def:
            names = meta_graph.collection_def[key].node_list.value
            if len(names) != 1:
                raise RuntimeError(
                    f"Expected exactly one SavedModel init op. Found {len(names)}: {list(names)}."
                )
            return get_default_graph().as_graph_element(scoped(names[0], import_scope))
    return None


def _listed(tags: Iterable[str]) -> str:
    return "{" + ", ".join(repr(tag) for tag in sorted(tags)) + "}"
