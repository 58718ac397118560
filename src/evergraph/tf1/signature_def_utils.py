"""``tf.saved_model.signature_def_utils``: signatures."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.saved_model.method_names": "MethodNameUpdater",
    "evergraph.saved_model.signature_defs": (
        "build_signature_def classification_signature_def is_valid_signature "
        "load_op_from_signature_def op_signature_def predict_signature_def regression_signature_def"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.saved_model.signature_def_utils", _TABLE)
