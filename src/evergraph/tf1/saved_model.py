"""``tf.saved_model``: SavedModels of TensorFlow 1's kind."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.saved_model.builder": "Builder=SavedModelBuilder builder=.",
    "evergraph.saved_model.constants": (
        "ASSETS_DIRECTORY ASSETS_KEY DEBUG_DIRECTORY DEBUG_INFO_FILENAME_PB LEGACY_INIT_OP_KEY "
        "MAIN_OP_KEY SAVED_MODEL_FILENAME_PB SAVED_MODEL_FILENAME_PBTXT SAVED_MODEL_SCHEMA_VERSION "
        "VARIABLES_DIRECTORY VARIABLES_FILENAME constants=."
    ),
    "evergraph.saved_model.loader": (
        "contains_saved_model=maybe_saved_model_directory load maybe_saved_model_directory loader=."
    ),
    "evergraph.saved_model.main_op": "main_op=. main_op_with_restore",
    "evergraph.saved_model.signature_constants": (
        "CLASSIFY_INPUTS CLASSIFY_METHOD_NAME CLASSIFY_OUTPUT_CLASSES CLASSIFY_OUTPUT_SCORES "
        "DEFAULT_SERVING_SIGNATURE_DEF_KEY PREDICT_INPUTS PREDICT_METHOD_NAME PREDICT_OUTPUTS "
        "REGRESS_INPUTS REGRESS_METHOD_NAME REGRESS_OUTPUTS signature_constants=."
    ),
    "evergraph.saved_model.signature_defs": (
        "build_signature_def classification_signature_def is_valid_signature predict_signature_def "
        "regression_signature_def signature_def_utils=."
    ),
    "evergraph.saved_model.simple_save": "simple_save",
    "evergraph.saved_model.tag_constants": "GPU SERVING TPU TRAINING tag_constants=.",
    "evergraph.saved_model.tensor_info": "build_tensor_info get_tensor_from_tensor_info utils=.",
}

__getattr__, __dir__ = namespace(__name__, "tf.saved_model", _TABLE)
