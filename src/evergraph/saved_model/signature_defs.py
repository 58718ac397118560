"""SignatureDefs: what a MetaGraph offers to be called by name (``tf.saved_model.signature_def_utils``)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes, message_text, protos
from evergraph.formats.graph_file import read_saved_model
from evergraph.formats.protos import SignatureDef
from evergraph.formats.saved_model_folder import model_file
from evergraph.graph.tensor import Tensor
from evergraph.saved_model import constants
from evergraph.saved_model import signature_constants as names
from evergraph.saved_model.tensor_info import (
    build_tensor_info,
    build_tensor_info_from_op,
    get_element_from_tensor_info,
)
from evergraph.storage.filesystem import Path, path_text
from evergraph.storage.publish import publish_bytes

_STRING = dtypes.string.as_datatype_enum
_FLOAT = dtypes.float32.as_datatype_enum


def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """A SignatureDef of these TensorInfos.

    ``defaults``: constant tensors, for inputs that need not be given; ValueError where one is not constant.
    """
    signature = SignatureDef()
    for key, info in (inputs or {}).items():
        signature.inputs[key].CopyFrom(info)
    for key, info in (outputs or {}).items():
        signature.outputs[key].CopyFrom(info)
    if method_name is not None:
        signature.method_name = method_name
    for key, default in (defaults or {}).items():
        if default.op.type != "Const":
            raise ValueError(
                f"Unable to convert object {default} of type {type(default)} to TensorProto: the default of input "
                f"'{key}' has to be a tf.constant."
            )
        signature.defaults[key].CopyFrom(default.op.get_attr("value"))
    return signature


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """The signature of TensorFlow Serving's Predict: any tensors. Raises ValueError where there are none."""
    for what, tensors in (("inputs", inputs), ("outputs", outputs)):
        if not tensors:
            raise ValueError(f"Prediction `{what}` cannot be None or empty.")
    return build_signature_def(
        {key: build_tensor_info(tensor) for key, tensor in inputs.items()},
        {key: build_tensor_info(tensor) for key, tensor in outputs.items()},
        names.PREDICT_METHOD_NAME,
    )


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """The signature of TensorFlow Serving's Regress: serialized tf.Examples in, floats out.

    Raises ValueError for None and for other types.
    """
    _check_examples("Regression", examples)
    if predictions is None:
        raise ValueError("Regression `predictions` cannot be None.")
    return build_signature_def(
        {names.REGRESS_INPUTS: _info(examples, _STRING, "Regression input tensors")},
        {names.REGRESS_OUTPUTS: _info(predictions, _FLOAT, "Regression output tensors")},
        names.REGRESS_METHOD_NAME,
    )


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """The signature of TensorFlow Serving's Classify: serialized tf.Examples in, labels (strings) and scores out.

    Raises ValueError for other types, and where there are neither ``classes`` nor ``scores``.
    """
    _check_examples("Classification", examples)
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    inputs = {names.CLASSIFY_INPUTS: _info(examples, _STRING, "Classification input tensors")}
    outputs = {}
    if classes is not None:
        info = _info(classes, _STRING, "Classification classes")
        outputs[names.CLASSIFY_OUTPUT_CLASSES] = info
    if scores is not None:
        outputs[names.CLASSIFY_OUTPUT_SCORES] = _info(scores, _FLOAT, "Classification scores")
    return build_signature_def(inputs, outputs, names.CLASSIFY_METHOD_NAME)


def _check_examples(what: str, examples: Any) -> None:
    if examples is None:
        raise ValueError(f"{what} `examples` cannot be None.")
    if not isinstance(examples, Tensor):
        raise ValueError(
            f"Expected {what.lower()} `examples` to be of type Tensor. Found `examples` of type {type(examples)}."
        )


def _info(tensor: Any, kind: int, what: str) -> Any:
    info = build_tensor_info(tensor)
    if info.dtype != kind:
        raise ValueError(
            f"{what} must be of type {dtypes.as_dtype(kind).name}. Found tensors of type "
            f"{dtypes.as_dtype(info.dtype).name}."
        )
    return info


def is_valid_signature(signature_def: Any) -> bool:
    """Whether TensorFlow Serving can serve the signature, by one of its three methods."""
    if signature_def is None:
        return False
    inputs = {key: info.dtype for key, info in signature_def.inputs.items()}
    outputs = {key: info.dtype for key, info in signature_def.outputs.items()}
    if signature_def.method_name == names.PREDICT_METHOD_NAME:
        return bool(inputs) and bool(outputs)
    if signature_def.method_name == names.REGRESS_METHOD_NAME:
        return inputs == {names.REGRESS_INPUTS: _STRING} and outputs == {
            names.REGRESS_OUTPUTS: _FLOAT
        }
    if signature_def.method_name == names.CLASSIFY_METHOD_NAME:
        allowed = {names.CLASSIFY_OUTPUT_CLASSES: _STRING, names.CLASSIFY_OUTPUT_SCORES: _FLOAT}
        return (
            inputs == {names.CLASSIFY_INPUTS: _STRING}
            and bool(outputs)
            and outputs.items() <= allowed.items()
        )
    return False


def op_signature_def(op: Any, key: str) -> Any:
    """A signature whose only output, ``key``, names an operation."""
    return build_signature_def(outputs={key: build_tensor_info_from_op(op)})


def load_op_from_signature_def(
    signature_def: Any, key: str, import_scope: str | None = None
) -> Any:
    """The operation (or tensor) of the default graph that ``op_signature_def`` put under ``key``.

    Raises NotFoundError where the graph does not have it.
    """
    info = signature_def.outputs[key]
    try:
        return get_element_from_tensor_info(info, import_scope=import_scope)
    except (KeyError, ValueError):
        raise errors.NotFoundError(
            None,
            None,
            f"The key '{key}' names '{info.name}', which could not be found in the graph. The key is reserved: a "
            "SavedModel whose signatures use it for something else cannot be loaded.",
        ) from None


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
