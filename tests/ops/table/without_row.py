"""Declared ops that have no row, and why: where each is proved instead."""

from __future__ import annotations

WITHOUT_ROW: dict[str, str] = {
    "Abort": "ends TensorFlow's process",
    "Const": "every `const(...)` of the table is one",
    "Placeholder": "every fed input of the table is one",
    "PlaceholderV2": "cannot be made in TensorFlow any more; Placeholder under another name",
    "TopK": "TensorFlow 2.15 has no kernel that fits its OpDef",
    "TileGrad": "TensorFlow 2.15 has no kernel that fits its OpDef",
    "VarHandleOp": "every `resource(...)` of the table is one",
    "VariableV2": "every `ref(...)` of the table is one",
}
