"""The assets of a SavedModel: files that its graph reads, named by constants that are fed with where they lie.

Source of the form: MetaGraphDef's documentation in TensorFlow's meta_graph.proto. A MetaGraph lists them in
``asset_file_def``, or (TensorFlow 1's builder) in the collection ``saved_model_assets``, as ``Any`` messages.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes, protos
from evergraph.formats.protos import AssetFileDef
from evergraph.graph.tensor import Tensor
from evergraph.saved_model import constants
from evergraph.saved_model.tensor_info import scoped
from evergraph.storage import gfile, paths
from evergraph.storage.filesystem import is_remote
from evergraph.storage.publish import publication

_PIECE = 1 << 20
_LOG = logging.getLogger("evergraph")


# ---------------------------------------------------------------------------------------- writing


def asset_files(tensors: Iterable[Any]) -> tuple[list[Any], dict[str, str]]:
    """The AssetFileDefs for constant tensors that hold paths, and which file of a SavedModel is a copy of what.

    Files of one name and other contents get ``_1``, ``_2`` behind it.

    Raises TypeError where a tensor is not a constant string, ValueError where it is empty.
    """
    messages: list[Any] = []
    sources: dict[str, str] = {}
    for tensor in tensors:
        source = _path_in(tensor)
        name = _free_name(source, sources)
        sources[name] = source
        message = AssetFileDef(filename=name)
        message.tensor_info.name = tensor.name
        messages.append(message)
    return messages, sources


def pack(message: Any) -> Any:
    """The ``Any`` that the collection ``saved_model_assets`` holds for an AssetFileDef."""
    return protos.Any(
        type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}",
        value=message.SerializeToString(),
    )


def copy_assets(sources: dict[str, str], folder: str, there: set[str]) -> None:
    """Copies files into ``folder``; those whose names are in ``there`` are there already."""
    gfile.MakeDirs(folder)
    for name, source in sources.items():
        if name in there:
            continue
        if not gfile.Exists(source):
            _LOG.warning(
                "The asset %s is not there: the SavedModel names it and will not have it.", source
            )
            continue
        target = os.path.join(folder, name)
        with gfile.GFile(source, "rb") as asset, publication(target) as files:
            copy = files.create(target)
            while piece := asset.read(_PIECE):
                copy.write(piece)
        there.add(name)


def _path_in(tensor: Any) -> str:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"Asset path tensor {tensor} must be a Tensor.")
    if tensor.op.type != "Const":
        raise TypeError(
            f"Asset path tensor {tensor} must be of type constant. Has type {tensor.op.type} instead."
        )
    if tensor.dtype != dtypes.string:
        raise TypeError(
            f"Asset path tensor {tensor} must be of dtype string. Has type {tensor.dtype} instead."
        )
    values = tensor.op.get_attr("value").string_val
    if len(values) != 1:
        raise TypeError(f"Asset path tensor {tensor} must be a scalar.")
    if not values[0]:
        raise ValueError(f"Asset filepath tensor {tensor} is invalid: it is empty.")
    return os.fsdecode(values[0])


def _free_name(source: str, sources: dict[str, str]) -> str:
    name = unique = os.path.basename(source)
    known = sources.get(name)
    if known is None or known == source or _same_contents(known, source):
        return name
    number = 1
    while unique in sources:
        unique = f"{name}_{number}"
        number += 1
    return unique


def _same_contents(one: str, other: str) -> bool:
    if gfile.Stat(one).length != gfile.Stat(other).length:
        return False
    with gfile.GFile(one, "rb") as first, gfile.GFile(other, "rb") as second:
        while True:
            a, b = first.read(_PIECE), second.read(_PIECE)
            if a != b:
                return False
            if not a:
                return True


# ---------------------------------------------------------------------------------------- reading


def asset_paths(
    export_dir: str, meta_graph: Any, import_scope: str | None = None, *, follow_links: bool = True
) -> dict[str, str]:
    """By the name of the tensor to feed, where the asset lies, under ``export_dir/assets``.

    Raises PermissionDeniedError for a name that leads out of that folder; without ``follow_links`` also for a
    symbolic link that does.
    """
    folder = os.path.join(export_dir, constants.ASSETS_DIRECTORY)
    found: dict[str, str] = {}
    for message in list_assets(meta_graph):
        path = os.path.join(folder, message.filename)
        if not _is_inside(path, folder, follow_links):
            raise errors.PermissionDeniedError(
                None,
                None,
                f"The SavedModel in {export_dir} names the asset '{message.filename}', which lies outside of {folder}. "
                "A file like this can be made to read others: get it from a source that you trust.",
            )
        found[scoped(message.tensor_info.name, import_scope)] = path
    return found


def list_assets(meta_graph: Any) -> list[Any]:
    """The AssetFileDefs of a MetaGraph. Raises DataLossError where they cannot be read."""
    if meta_graph.asset_file_def:
        return list(meta_graph.asset_file_def)
    if constants.ASSETS_KEY not in meta_graph.collection_def:
        return []
    from google.protobuf.message import DecodeError

    try:
        return [
            AssetFileDef.FromString(each.value)
            for each in meta_graph.collection_def[constants.ASSETS_KEY].any_list.value
        ]
    except DecodeError:
        raise errors.DataLossError(
            None, None, f"The collection '{constants.ASSETS_KEY}' holds what is no AssetFileDef."
        ) from None


def _is_inside(path: str, folder: str, follow_links: bool) -> bool:
    if is_remote(folder):  # a store has no links
        home, place = paths.absolute(folder), paths.absolute(path)
        return place == home or paths.below(place, home) is not None
    if follow_links:
        home, place = os.path.abspath(folder), os.path.abspath(path)
    else:
        # The folder of assets may itself be a link to another place.
        above, name = os.path.split(folder)
        home, place = os.path.join(os.path.realpath(above), name), os.path.realpath(path)
    return os.path.commonpath([place, home]) == home
