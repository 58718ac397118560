"""simple_save: a session's graph as a SavedModel that serves one signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_collections import get_collection
from evergraph.saved_model import tag_constants
from evergraph.saved_model.builder import SavedModelBuilder
from evergraph.saved_model.signature_constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from evergraph.saved_model.signature_defs import predict_signature_def
from evergraph.storage.filesystem import Path


def simple_save(
    session: Any,
    export_dir: Path,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Writes the default graph with the session's variables to ``export_dir``, to be served under the tag ``serve``.

    The signature ``serving_default`` takes ``inputs`` (tensors by name) and gives ``outputs``; the files that the
    collection ``asset_filepaths`` names are copied. Errors as in ``SavedModelBuilder``.
    """
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        tags=[tag_constants.SERVING],
        signature_def_map={
            DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)
        },
        assets_collection=get_collection(GraphKeys.ASSET_FILEPATHS),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()
