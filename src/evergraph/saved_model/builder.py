"""SavedModelBuilder: writes MetaGraphs, their variables and their assets as a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from evergraph.formats import message_text, protos
from evergraph.formats.protos import MetaGraphDef, SavedModel
from evergraph.graph.default_collections import add_to_collection, get_collection
from evergraph.graph.operation import Operation
from evergraph.saved_model import constants
from evergraph.saved_model.assets import asset_files, copy_assets, pack
from evergraph.saved_model.signature_defs import op_signature_def
from evergraph.storage import gfile
from evergraph.storage.filesystem import Path, filesystem, path_text
from evergraph.storage.publish import publish_bytes
from evergraph.train.saver import Saver
from evergraph.variables.collections import all_saveable_objects


class SavedModelBuilder:
    """Builds a SavedModel: the first MetaGraph with the variables, further ones that share them, then ``save()``.

        builder = tf.saved_model.builder.SavedModelBuilder(export_dir)
        builder.add_meta_graph_and_variables(sess, ["serve"], signature_def_map={...})
        builder.save()

    Nothing stands under ``export_dir`` before ``save()``, and then the whole model: until then it grows under a
    temporary name (in TensorFlow, the folder and its parts are there one by one). In a remote store, which renames no
    folder at once, ``save()`` puts the file with the MetaGraphs there last: it makes the model.

    Raises AssertionError where ``export_dir`` is there and not empty.
    """

    def __init__(self, export_dir: Path) -> None:
        self._staged = filesystem(export_dir).staged_folder(path_text(export_dir))
        if not self._staged.is_free:
            raise AssertionError(
                f"Export directory {self._staged.target} already exists, and isn't empty. Please choose a different "
                "export directory, or delete all the contents of the specified directory."
            )
        self._saved_model = SavedModel(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._has_saved_variables = False
        self._copied_assets: set[str] = set()

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Iterable[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
        *,
        assets_list: Iterable[Any] | None = None,
        init_op: Any = None,
        train_op: Any = None,
    ) -> None:
        """Adds the default graph with the values that its variables have in ``sess``; once, and first.

        Args:
          tags: what the MetaGraph is found by.
          signature_def_map: its signatures, by name.
          assets_collection: constant tensors with the paths of files to be copied, listed in a collection.
          legacy_init_op, main_op: an operation that is run when the model has been loaded.
          clear_devices: leave out the nodes' devices.
          strip_default_attrs: leave out attributes that have their default value (for older readers).
          saver: what saves and restores the variables; None for one of all variables.
          assets_list, init_op: as ``assets_collection`` and ``main_op``, written as TensorFlow 2 does: into
            ``asset_file_def``, and as a signature.
          train_op: an operation or tensor that is named in a signature and never run.

        Raises:
          AssertionError: variables have been saved already; a signature names no tensor or no type.
          KeyError: a signature has a reserved name. TypeError: ``main_op`` is no operation, an asset no constant.
          ValueError: the graph has a main op already.
        """
        if self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please invoke "
                "`add_meta_graph()` instead."
            )
        signatures = _signatures(signature_def_map, init_op, train_op)
        self._add_collections(assets_collection, main_op or legacy_init_op)
        saver = saver or _default_saver()
        prefix = self._staged.path(constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
        gfile.MakeDirs(os.path.dirname(prefix))
        saver.save(sess, prefix, write_meta_graph=False, write_state=False)
        self._add(saver, tags, signatures, assets_list, clear_devices, strip_default_attrs)
        self._has_saved_variables = True

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Iterable[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
        *,
        assets_list: Iterable[Any] | None = None,
        init_op: Any = None,
        train_op: Any = None,
    ) -> None:
        """Adds the default graph, which uses the variables that the first one has saved. Arguments and errors as in
        ``add_meta_graph_and_variables``; AssertionError where that has not been called.
        """
        if not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please invoke "
                "`add_meta_graph_and_variables()` first."
            )
        signatures = _signatures(signature_def_map, init_op, train_op)
        self._add_collections(assets_collection, main_op or legacy_init_op)
        saver = saver or _default_saver()
        self._add(saver, tags, signatures, assets_list, clear_devices, strip_default_attrs)

    def save(self, as_text: bool = False) -> bytes:
        """Publishes the SavedModel (its MetaGraphs as text, where asked for) and returns the path of its file."""
        name = (
            constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB
        )
        if as_text:
            contents = message_text.to_text(self._saved_model, exact_floats=True).encode()
        else:
            contents = protos.serialize(self._saved_model, deterministic=True)
        publish_bytes(self._staged.path(name), contents)
        self._staged.publish(last=name)
        return os.fsencode(os.path.join(self._staged.target, name))

    def _add_collections(self, assets: Iterable[Any] | None, main_op: Any) -> None:
        if assets is not None:
            messages, sources = asset_files(assets)
            for message in messages:
                add_to_collection(constants.ASSETS_KEY, pack(message))
            self._copy(sources)
        if main_op is None:
            return
        if not isinstance(main_op, Operation):
            raise TypeError(
                f"Expected {main_op} to be an Operation but got type {type(main_op)} instead."
            )
        for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
            if get_collection(key):
                raise ValueError(
                    f"Graph already contains one or more main ops under the collection {key}."
                )
        add_to_collection(constants.MAIN_OP_KEY, main_op)

    def _add(
        self,
        saver: Saver,
        tags: Iterable[str],
        signatures: Mapping[str, Any],
        assets_list: Iterable[Any] | None,
        clear_devices: bool,
        strip_default_attrs: bool,
    ) -> None:
        message: MetaGraphDef = saver.export_meta_graph(
            clear_devices=clear_devices, strip_default_attrs=strip_default_attrs
        )
        # Of a graph that was loaded: the tags, signatures and assets that it had then.
        message.meta_info_def.ClearField("tags")
        for field in ("signature_def", "asset_file_def", "object_graph_def"):
            message.ClearField(field)
        if assets_list is not None:
            files, sources = asset_files(assets_list)
            message.asset_file_def.extend(files)
            self._copy(sources)
        message.meta_info_def.tags.extend(tags)
        for key, signature in signatures.items():
            message.signature_def[key].CopyFrom(protos.adopt(signature))
        self._saved_model.meta_graphs.append(message)

    def _copy(self, sources: dict[str, str]) -> None:
        if sources:
            folder = self._staged.path(constants.ASSETS_DIRECTORY)
            copy_assets(sources, folder, self._copied_assets)


def _default_saver() -> Saver:
    return Saver(all_saveable_objects(), sharded=True, allow_empty=True)


def _signatures(given: Mapping[str, Any] | None, init_op: Any, train_op: Any) -> dict[str, Any]:
    """The signatures to write, checked; those of the reserved names with them."""
    signatures = dict(given or {})
    for name, signature in signatures.items():
        for infos in (signature.inputs, signature.outputs):
            for info in infos.values():
                _check_tensor_info(info, name)
    reserved = {
        constants.INIT_OP_SIGNATURE_KEY: (init_op, "initialization"),
        constants.TRAIN_OP_SIGNATURE_KEY: (train_op, "the train op"),
    }
    for key, (op, purpose) in reserved.items():
        if key in signatures:
            raise KeyError(
                f'SignatureDef map key "{key}" is reserved for {purpose}. Please use a different key.'
            )
        if op is not None:
            signatures[key] = op_signature_def(op, key)
    return signatures


def _check_tensor_info(info: Any, signature: str) -> None:
    encoding = info.WhichOneof("encoding")
    if encoding is None:
        raise AssertionError(
            f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have one of the "
            f"'encoding' fields (e.g., name or coo_sparse) set (signature '{signature}')."
        )
    if encoding == "composite_tensor":
        for component in info.composite_tensor.components:
            _check_tensor_info(component, signature)
    elif not info.dtype:
        raise AssertionError(
            f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have the dtype field "
            f"set (signature '{signature}')."
        )
