"""The save and restore nodes of a Saver: ``save/Const``, ``save/SaveV2``, ``save/RestoreV2``,
``save/restore_all`` ...
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from evergraph.formats.protos import SaverDef
from evergraph.graph import device as devices
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies, device, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import checkpoint_io
from evergraph.ops.array import identity, placeholder_with_default, shape
from evergraph.ops.constant import constant
from evergraph.ops.gathering import where
from evergraph.ops.grouping import group, with_dependencies
from evergraph.ops.strings import regex_full_match, string_join
from evergraph.train import saveables as saving
from evergraph.train.saveables import SaveableObject
from evergraph.variables.partitioned_variable import put_together_collected

_Objects = Sequence[SaveableObject]
_Shards = Sequence[tuple[str, _Objects]]


class BaseSaverBuilder:
    """Builds the nodes; subclasses may override the ``*_op`` methods. Restores one variable at a time."""

    SaveSpec = saving.SaveSpec
    # Programs subclass it by this name; under it, annotations in this class would mean the attribute.
    SaveableObject = saving.SaveableObject
    VariableSaveable = saving.ReferenceVariableSaveable
    ResourceVariableSaveable = saving.ResourceVariableSaveable

    def __init__(self, write_version: int = SaverDef.V2) -> None:
        self._write_version = write_version

    def save_op(self, filename_tensor: Tensor, saveables: _Objects) -> Operation:
        """The operation that saves all tensors of ``saveables`` under a prefix (V2) or into a file (V1)."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        names = [spec.name for spec in specs]
        slices = [spec.slice_spec for spec in specs]
        tensors = [spec.tensor for spec in specs]
        if self._write_version == SaverDef.V1:
            return checkpoint_io.SaveSlices(filename_tensor, names, slices, tensors, name="save")
        if self._write_version == SaverDef.V2:
            return checkpoint_io.SaveV2(filename_tensor, names, slices, tensors)
        raise RuntimeError(f"Unexpected write_version: {self._write_version}")

    def restore_op(
        self, filename_tensor: Tensor, saveable: saving.SaveableObject, preferred_shard: int
    ) -> list[Tensor]:
        """The tensors of one saveable, read from the checkpoint."""
        return [
            checkpoint_io.RestoreV2(
                filename_tensor, [spec.name], [spec.slice_spec], dtypes=[spec.dtype]
            )[0]
            for spec in saveable.specs
        ]

    def bulk_restore(
        self,
        filename_tensor: Tensor,
        saveables: _Objects,
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Tensor]:
        """The tensors of all saveables, read from the checkpoint."""
        tensors: list[Tensor] = []
        for saveable in saveables:
            with device(_on_cpu(saveable.device) if saveable.device else None):
                tensors.extend(self.restore_op(filename_tensor, saveable, preferred_shard))
        return tensors

    def sharded_filename(self, filename_tensor: Tensor, shard: int, num_shards: Tensor) -> Tensor:
        """The name of one shard of a sharded checkpoint."""
        result: Tensor = checkpoint_io.ShardedFilename(filename_tensor, shard, num_shards)
        return result

    def build(
        self,
        names_to_saveables: Any,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        filename: str | None = "model",
    ) -> Any:
        """Adds the nodes to the default graph and returns the SaverDef that names them.

        Raises TypeError or ValueError where a variable cannot be saved or a name is taken twice.
        """
        objects = saving.saveables(names_to_saveables)
        with name_scope(name, "save", [saveable.op for saveable in objects]):
            path = placeholder_with_default(filename or "model", shape=(), name="filename")
            # Programs and files of 2016 feed this one, by the name that it has always had.
            path = placeholder_with_default(path, shape=(), name="Const")
            if sharded:
                shards = _by_device(objects)
                saved = self._add_sharded_save_ops(path, shards)
                restored = self._add_sharded_restore_ops(
                    path, shards, restore_sequentially, reshape
                )
            else:
                saved = self._add_save_ops(path, objects)
                restored = self._add_restore_ops(path, objects, restore_sequentially, reshape)
        put_together_collected(path.graph)
        return SaverDef(
            filename_tensor_name=path.name,
            save_tensor_name=saved.name,
            restore_op_name=restored.name,
            max_to_keep=max_to_keep or 0,
            sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            version=self._write_version,
        )

    def _add_save_ops(self, path: Tensor, objects: _Objects) -> Tensor:
        return with_dependencies([self.save_op(path, objects)], path)

    def _add_restore_ops(
        self,
        path: Tensor,
        objects: _Objects,
        sequentially: bool,
        reshape: bool,
        preferred_shard: int = -1,
        name: str = "restore_all",
    ) -> Operation:
        tensors = self.bulk_restore(path, objects, preferred_shard, sequentially)
        assignments = []
        position = 0
        for saveable in objects:
            count = len(saveable.specs)
            shapes = [_shape_of(spec.tensor) for spec in saveable.specs] if reshape else None
            assignments.append(saveable.restore(tensors[position : position + count], shapes))
            position += count
        return group(*assignments, name=name)

    def _add_sharded_save_ops(self, path: Tensor, shards: _Shards) -> Tensor:
        if self._write_version == SaverDef.V2:
            return self._add_sharded_save_ops_v2(path, shards)
        count = constant(len(shards), name="num_shards")
        saved = []
        for i, (place, objects) in enumerate(shards):
            with device(place):
                saved.append(self._add_save_ops(self.sharded_filename(path, i, count), objects))
        with control_dependencies([tensor.op for tensor in saved]):
            spec: Tensor = checkpoint_io.ShardedFilespec(path, count)
            return spec

    def _add_sharded_save_ops_v2(self, prefix: Tensor, shards: _Shards) -> Tensor:
        """Each shard is saved under a temporary prefix, then their indexes are merged into one."""
        with device("CPU"):
            suffix = where(
                regex_full_match(prefix, "^s3://.*"),
                constant(".part"),
                constant(os.path.normpath("_temp/part")),
            )
            temporary = string_join([prefix, suffix])
        count = constant(len(shards), name="num_shards")
        saved, prefixes, last = [], [], ""
        for i, (place, objects) in enumerate(shards):
            last = _on_cpu(place)
            with device(last):
                part = self.sharded_filename(temporary, i, count)
                prefixes.append(part)
                saved.append(self._add_save_ops(part, objects))
        with control_dependencies([tensor.op for tensor in saved]), device(last):
            merge = checkpoint_io.MergeV2Checkpoints(prefixes, prefix, delete_old_dirs=True)
            with control_dependencies([merge]):
                return identity(prefix)

    def _add_sharded_restore_ops(
        self, path: Tensor, shards: _Shards, sequentially: bool, reshape: bool
    ) -> Operation:
        restored = []
        for i, (place, objects) in enumerate(shards):
            with device(place):
                restored.append(
                    self._add_restore_ops(path, objects, sequentially, reshape, i, "restore_shard")
                )
        return group(*restored, name="restore_all")


class BulkSaverBuilder(BaseSaverBuilder):
    """Restores all variables with one RestoreV2."""

    def bulk_restore(
        self,
        filename_tensor: Tensor,
        saveables: Sequence[SaveableObject],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Tensor]:
        """The tensors of all saveables, read by one node."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with device("cpu:0"):
            tensors: list[Tensor] = checkpoint_io.RestoreV2(
                filename_tensor,
                [spec.name for spec in specs],
                [spec.slice_spec for spec in specs],
                dtypes=[spec.dtype for spec in specs],
            )
            return tensors


def _shape_of(tensor: Tensor) -> Any:
    return tensor.shape if tensor.shape.is_fully_defined() else shape(tensor)


def _on_cpu(place: str) -> str:
    spec = devices.DeviceSpec.from_string(place)
    spec.device_type, spec.device_index = "CPU", 0
    return spec.to_string()


def _by_device(objects: Sequence[SaveableObject]) -> _Shards:
    """The saveables of each device, devices in the order of their names. Raises ValueError for one on several."""
    places: dict[str, list[SaveableObject]] = {}
    for saveable in objects:
        own = {devices.canonical(spec.device) for spec in saveable.specs}
        if len(own) != 1:
            raise ValueError(
                f"All tensors of a saveable object must be on the same device: {saveable.name}"
            )
        places.setdefault(own.pop(), []).append(saveable)
    return sorted(places.items())
