"""MethodNameUpdater: changes the methods that a SavedModel's signatures are served by."""

from __future__ import annotations

import os
from collections.abc import Iterable

from evergraph.formats import message_text, protos
from evergraph.formats.graph_file import read_saved_model
from evergraph.formats.saved_model_folder import model_file
from evergraph.saved_model import constants
from evergraph.storage.filesystem import Path, path_text
from evergraph.storage.publish import publish_bytes


class MethodNameUpdater:
    """The SavedModel in ``export_dir``, whose signatures get other methods (predict, classify, regress).

    Raises NotFoundError where there is none, DataLossError where it is damaged.
    """

    def __init__(self, export_dir: Path) -> None:
        self._export_dir = path_text(export_dir)
        self._saved_model = read_saved_model(self._export_dir)

    def replace_method_name(
        self, signature_key: str, method_name: str, tags: str | Iterable[str] | None = None
    ) -> None:
        """Changes the signature in the MetaGraph with these tags, or in all. Raises ValueError where there is no such
        MetaGraph, or one without this signature.
        """
        if not signature_key:
            raise ValueError("`signature_key` must be defined.")
        if not method_name:
            raise ValueError("`method_name` must be defined.")
        wanted = {tags} if isinstance(tags, str) else None if tags is None else set(tags)
        found = False
        for meta_graph in self._saved_model.meta_graphs:
            if wanted not in (None, set(meta_graph.meta_info_def.tags)):
                continue
            if signature_key not in meta_graph.signature_def:
                raise ValueError(
                    f"MetaGraphDef associated with tags {tags} does not have a signature_def with key: "
                    f"'{signature_key}'; it has {sorted(meta_graph.signature_def)}."
                )
            meta_graph.signature_def[signature_key].method_name = method_name
            found = True
        if not found:
            raise ValueError(
                f"MetaGraphDef associated with tags {tags} could not be found in SavedModel."
            )

    def save(self, new_export_dir: Path | None = None) -> None:
        """Writes the file with the MetaGraphs, over the one that was read or into another folder."""
        is_text = (model_file(self._export_dir) or "").endswith(".pbtxt")
        folder = path_text(new_export_dir) if new_export_dir else self._export_dir
        if is_text:
            name = constants.SAVED_MODEL_FILENAME_PBTXT
            contents = message_text.to_text(self._saved_model, exact_floats=True).encode()
        else:
            name = constants.SAVED_MODEL_FILENAME_PB
            contents = protos.serialize(self._saved_model, deterministic=True)
        publish_bytes(os.path.join(folder, name), contents)
