"""A SavedModel with a table that is filled from an asset: what attacks on assets begin with."""

from __future__ import annotations

from pathlib import Path

from attacks.building import STRING, Graph, Type
from evergraph.formats.protos import SavedModel

_INT64 = 9


def saved_model(folder: Path, filename: str) -> None:
    """Writes ``saved_model.pb``: its table's keys are the lines of the asset ``filename``."""
    graph = Graph()
    graph.const("asset", b"to be fed")
    kinds = {"key_dtype": Type(STRING), "value_dtype": Type(_INT64)}
    graph.node("HashTableV2", "table", [], **kinds)
    indices = {"key_index": -2, "value_index": -1}
    graph.node("InitializeTableFromTextFileV2", "fill", ["table", "asset"], **indices)
    graph.node("NoOp", "init", ["^fill"])
    graph.node("LookupTableExportV2", "out", ["table"], Tkeys=Type(STRING), Tvalues=Type(_INT64))
    saved = SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add(graph_def=graph.message)
    meta.meta_info_def.tags.append("serve")
    meta.collection_def["saved_model_main_op"].node_list.value.append("init")
    meta.collection_def["attack_table"].node_list.value.append("out:0")
    asset = meta.asset_file_def.add(filename=filename)
    asset.tensor_info.name = "asset:0"
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
