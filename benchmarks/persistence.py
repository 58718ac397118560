"""One way to keep a model, measured: a fresh process saves, lists, reads and restores.

    python persistence.py CONTESTANT SHAPE FOLDER        prints one JSON object

Contestants: raw, raw-fsync; evergraph-none, evergraph-full (save_checkpoint); saver-none, saver-full, saver-async,
saver-incremental (tf.train.Saver); tensorflow (the kernels SaveV2 and RestoreV2, called at once: a Saver's own nodes
cost more); safetensors, savez, orbax.

save, restore   seconds, a list: each time it was done
open_list       seconds to open and list names, types and shapes
one             seconds to open and read one tensor in the middle
save_mb, restore_mb    memory at the peak, beyond what was held before
call, stall     of an asynchronous save: seconds in the call; with what the next step takes longer

Standalone: standard library, NumPy and the library under test.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

SHAPES = {"64x16MiB": (64, 16 << 20), "4000x64KiB": (4000, 64 << 10), "100000x64B": (100_000, 64)}
TIMES = 3

Model = dict[str, Any]


class Contestant:
    """One library: how it saves a model under a path, and gets it back."""

    def __init__(self, folder: Path, model: Model) -> None:
        self.folder = folder
        self.path = str(folder / "m")
        self.model = model

    def save(self) -> None: ...
    def restore(self) -> Any: ...
    def open_list(self) -> Any: ...
    def one(self, name: str) -> Any: ...


class Raw(Contestant):
    """The bytes through `os.write` and `readinto`, with their checksum: what no library can beat."""

    sync = False

    def save(self) -> None:
        from crc32c import crc32c

        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        gathered: list[Any] = []
        for value in self.model.values():
            data = value.view(np.uint8).data
            if len(data) < 1 << 20:
                crc32c(data)
                gathered.append(data)
                continue
            for start in range(0, len(data), 1 << 20):
                piece = data[start : start + (1 << 20)]
                crc32c(piece)
                os.write(descriptor, piece)
        joined = b"".join(gathered)
        for start in range(0, len(joined), 1 << 20):
            os.write(descriptor, joined[start : start + (1 << 20)])
        if self.sync:
            os.fsync(descriptor)
        os.close(descriptor)

    def restore(self) -> Any:
        from crc32c import crc32c

        found = {}
        with open(self.path, "rb", buffering=1 << 20) as file:
            for name, value in self.model.items():
                found[name] = np.empty_like(value)
                data = found[name].view(np.uint8).data
                for start in range(0, len(data), 1 << 20):
                    piece = data[start : start + (1 << 20)]
                    file.readinto(piece)
                    crc32c(piece)
        return found


class RawSync(Raw):
    sync = True


class Evergraph(Contestant):
    durability = "none"

    def save(self) -> None:
        import evergraph

        evergraph.save_checkpoint(self.path, self.model, durability=self.durability)  # type: ignore[arg-type]

    def restore(self) -> Any:
        import evergraph

        with evergraph.open_checkpoint(self.path) as checkpoint:
            return {name: checkpoint[name] for name in checkpoint}

    def open_list(self) -> Any:
        import evergraph

        with evergraph.open_checkpoint(self.path) as checkpoint:
            return checkpoint.tensors

    def one(self, name: str) -> Any:
        import evergraph

        with evergraph.open_checkpoint(self.path) as checkpoint:
            return checkpoint[name]


class EvergraphFull(Evergraph):
    durability = "full"


class Saver(Contestant):
    """``tf.train.Saver`` and a session; a part of the variables is frozen for the incremental one."""

    options: ClassVar[dict[str, Any]] = {"durability": "none"}

    def __init__(self, folder: Path, model: Model) -> None:
        super().__init__(folder, model)
        import evergraph.tf1 as tf

        self.tf = tf
        self.session = tf.Session()
        starts = {name: tf.placeholder(value.dtype, value.shape) for name, value in model.items()}
        variables = [tf.get_variable(name, initializer=start) for name, start in starts.items()]
        self.saver = tf.train.Saver(max_to_keep=None, **self.options)
        feeds = {starts[name]: model[name] for name in model}
        self.session.run(tf.global_variables_initializer(), feeds)
        trained = (
            variables[: max(1, len(variables) // 10)]
            if "incremental" in self.options
            else variables
        )
        self.step = tf.group(*[variable.assign_add(variable * 0.001) for variable in trained])
        self.session.run(self.step)
        self.count = 0
        model.clear()

    def save(self) -> None:
        self.count += 1
        self.saver.save(self.session, self.path, self.count, write_meta_graph=False)

    def restore(self) -> Any:
        self.saver.restore(self.session, f"{self.path}-{self.count}")

    def asynchronous(self) -> tuple[float, float]:
        """Seconds in the call, and what the next step takes longer because of it."""
        plain = timed(lambda: self.session.run(self.step))
        self.count += 1
        call = timed(
            lambda: self.saver.save(
                self.session, self.path, self.count, write_meta_graph=False, asynchronous=True
            )
        )
        after = timed(lambda: self.session.run(self.step))
        self.saver.wait()
        return call, call + max(0.0, after - plain)


class SaverFull(Saver):
    options: ClassVar[dict[str, Any]] = {"durability": "full"}


class SaverIncremental(Saver):
    options: ClassVar[dict[str, Any]] = {"durability": "none", "incremental": True}

    def save(self) -> None:
        self.session.run(self.step)
        super().save()


class TensorFlow(Contestant):
    def __init__(self, folder: Path, model: Model) -> None:
        super().__init__(folder, model)
        import tensorflow as tf

        self.tf = tf
        tf.config.threading.set_inter_op_parallelism_threads(os.cpu_count() or 1)
        self.names = list(model)
        self.tensors = [tf.constant(value) for value in model.values()]
        model.clear()

    def save(self) -> None:
        specs = [""] * len(self.names)
        self.tf.raw_ops.SaveV2(
            prefix=self.path, tensor_names=self.names, shape_and_slices=specs, tensors=self.tensors
        )

    def restore(self) -> Any:
        return self.tf.raw_ops.RestoreV2(
            prefix=self.path,
            tensor_names=self.names,
            shape_and_slices=[""] * len(self.names),
            dtypes=[self.tf.float32] * len(self.names),
        )

    def open_list(self) -> Any:
        reader = self.tf.train.load_checkpoint(self.path)
        return reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()

    def one(self, name: str) -> Any:
        return self.tf.train.load_checkpoint(self.path).get_tensor(name)


class Safetensors(Contestant):
    def save(self) -> None:
        from safetensors.numpy import save_file

        save_file(self.model, self.path)

    def restore(self) -> Any:
        from safetensors.numpy import load_file

        return load_file(self.path)

    def open_list(self) -> Any:
        from safetensors import safe_open

        with safe_open(self.path, "numpy") as file:
            slices = [(name, file.get_slice(name)) for name in file.keys()]  # noqa: SIM118
            return [(name, part.get_shape(), part.get_dtype()) for name, part in slices]

    def one(self, name: str) -> Any:
        from safetensors import safe_open

        with safe_open(self.path, "numpy") as file:
            return file.get_tensor(name)


class Savez(Contestant):
    def save(self) -> None:
        np.savez(self.path + ".npz", **self.model)

    def restore(self) -> Any:
        with np.load(self.path + ".npz") as found:
            return {name: found[name] for name in found.files}

    def open_list(self) -> Any:
        with np.load(self.path + ".npz") as found:
            return found.files

    def one(self, name: str) -> Any:
        with np.load(self.path + ".npz") as found:
            return found[name]


class Orbax(Contestant):
    def save(self) -> None:
        import orbax.checkpoint as ocp

        checkpointer = ocp.PyTreeCheckpointer()
        checkpointer.save(os.path.abspath(self.path), self.model, force=True)
        checkpointer.close()

    def restore(self) -> Any:
        import orbax.checkpoint as ocp

        return ocp.PyTreeCheckpointer().restore(os.path.abspath(self.path))


CONTESTANTS: dict[str, type[Contestant]] = {
    "raw": Raw,
    "raw-fsync": RawSync,
    "evergraph-none": Evergraph,
    "evergraph-full": EvergraphFull,
    "saver-none": Saver,
    "saver-full": SaverFull,
    "saver-incremental": SaverIncremental,
    "tensorflow": TensorFlow,
    "safetensors": Safetensors,
    "savez": Savez,
    "orbax": Orbax,
}


def timed(work: Callable[[], Any]) -> float:
    """Seconds that it takes; what it gives is let go of outside of them."""
    start = time.perf_counter()
    kept = work()
    end = time.perf_counter()
    del kept
    return end - start


def peak_mb() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(contestant: str, shape: str, folder: Path) -> dict[str, Any]:
    count, size = SHAPES[shape]
    # Random bytes: what a trained model looks like to a file system that compresses.
    block = np.random.default_rng(0).random(size // 4, np.float32)
    model = {f"block{i // 10}/layer{i % 10}/kernel": block + np.float32(i) for i in range(count)}
    middle = list(model)[count // 2]
    runner = CONTESTANTS[contestant](folder, model)
    gc.collect()
    found: dict[str, Any] = {}
    before = peak_mb()
    found["save"] = [timed(runner.save) for _ in range(TIMES)]
    found["save_mb"] = peak_mb() - before
    if type(runner).open_list is not Contestant.open_list:
        found["open_list"] = [timed(runner.open_list) for _ in range(TIMES)]
        found["one"] = [timed(lambda: runner.one(middle)) for _ in range(TIMES)]
    before = peak_mb()
    found["restore"] = [timed(runner.restore) for _ in range(TIMES)]
    found["restore_mb"] = peak_mb() - before
    if isinstance(runner, Saver):
        pairs = [runner.asynchronous() for _ in range(TIMES)]
        found["call"], found["stall"] = map(list, zip(*pairs, strict=True))
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
