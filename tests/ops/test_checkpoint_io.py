"""Checkpoints as ops: what is saved comes back, whole or in slices; what is missing is said."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from evergraph import errors
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.graph.graph import Graph
from evergraph.ops import checkpoint_io
from evergraph.ops.passing import identity, placeholder
from evergraph.ops.resources import AssignVariableOp, ReadVariableOp, VarHandleOp
from evergraph.ops.state import assign, assign_add, variable_op_v2
from evergraph.runtime.session import Session

VALUES: dict[str, Any] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array(7, np.int64),
    "c": np.array([b"x", b"\0\xff"], object),
    "d": np.array([1.5, -2], ml_dtypes.bfloat16),
    "e": np.zeros((0, 4), bool),
}


def run(fetch: Any, feeds: Any = None) -> Any:
    with Session() as session:
        return session.run(fetch, feeds)


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    return str(tmp_path / "model")


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as graph:
        yield graph


def restore(
    prefix: str, names: list[str], types: list[Any], slices: list[str] | None = None
) -> Any:
    return checkpoint_io.RestoreV2(prefix, names, slices or [""] * len(names), dtypes=types)


def types_of(*names: str) -> list[Any]:
    found = {"a": "float32", "b": "int64", "c": "string", "d": "bfloat16", "e": "bool"}
    return [found[name] for name in names]


def test_what_is_saved_comes_back(prefix: str) -> None:
    names = list(VALUES)
    feeds = {
        placeholder(kind): VALUES[name] for name, kind in zip(names, types_of(*names), strict=True)
    }
    run(checkpoint_io.SaveV2(prefix, names, [""] * 5, list(feeds)), feeds)
    with open_checkpoint(prefix) as checkpoint:
        assert list(checkpoint) == names
    found = run(restore(prefix, names[::-1], types_of(*names[::-1])))
    for name, value in zip(names[::-1], found, strict=True):
        np.testing.assert_array_equal(value, VALUES[name])
        assert np.asarray(value).dtype == VALUES[name].dtype or VALUES[name].dtype == object


def test_slices(prefix: str) -> None:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    save = checkpoint_io.SaveV2(
        prefix, ["p", "p"], ["4 3 0,1:-", "4 3 1,3:-"], [rows[:1], rows[1:]]
    )
    run(save)
    parts = restore(prefix, ["p"] * 2, ["float32"] * 2, ["", "4 3 0,2:1,2"])
    assert [part.shape.as_list() if part.shape.rank else None for part in parts] == [None, [2, 2]]
    whole, part = run(parts)
    np.testing.assert_array_equal(whole, rows)
    np.testing.assert_array_equal(part, rows[:2, 1:])


def test_all_missing_names_are_listed_with_what_is_near(prefix: str) -> None:
    save_checkpoint(prefix, {"conv/kernel": np.zeros(1), "conv/bias": np.zeros(1)})
    node = restore(prefix, ["conv_1/kernel", "conv/bias", "other"], ["float64"] * 3)
    with pytest.raises(errors.NotFoundError) as caught:
        run(node)
    message = caught.value.message
    assert f"Key conv_1/kernel not found in checkpoint {prefix}" in message
    assert "2 of the 3 names wanted are missing" in message
    assert "conv_1/kernel  (near: conv/kernel" in message
    assert "\n  other" in message


def test_refusals(prefix: str) -> None:
    save_checkpoint(prefix, {"a": np.zeros((2, 2), np.float32)})
    with pytest.raises(errors.InvalidArgumentError, match="expected dtype int32 does not equal"):
        run(restore(prefix, ["a"], ["int32"]))
    with pytest.raises(errors.InvalidArgumentError, match=r"spec \[3,2\] does not match .*\[2,2\]"):
        run(restore(prefix, ["a"], ["float32"], ["3 2 0,1:-"]))
    with pytest.raises(errors.NotFoundError, match="nothing_here"):
        run(restore(prefix + "nothing_here", ["a"], ["float32"]))
    with pytest.raises(ValueError, match="but is rank 1"):
        restore([prefix], ["a"], ["float32"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2"):
        restore(prefix, ["a"], ["float32"], ["", ""])
    names = placeholder("string")
    with pytest.raises(errors.InvalidArgumentError, match="Got 2 tensor names but 1 tensors"):
        run(checkpoint_io.SaveV2(prefix, names, names, [1.0]), {names: ["x", "y"]})
    with pytest.raises(errors.InvalidArgumentError, match="Adding duplicate key"):
        run(checkpoint_io.SaveV2(prefix, ["x", "x"], ["", ""], [1.0, 2.0]))
    with open_checkpoint(prefix) as checkpoint:
        assert list(checkpoint) == ["a"]


def test_restored_into_variables_without_a_copy_and_safely(prefix: str) -> None:
    save_checkpoint(prefix, {"a": VALUES["a"]})
    reference = variable_op_v2([2, 3], "float32", "v")
    handle = VarHandleOp(dtype="float32", shape=[2, 3], shared_name="r", name="r")
    one, two, three = (restore(prefix, ["a"], ["float32"])[0] for _ in range(3))
    copy = variable_op_v2([2, 3], "float32", "copy")
    sets = [
        assign(reference, one),
        AssignVariableOp(handle, identity(two)),
        assign(copy, three),
        assign(variable_op_v2([2, 3], "float32", "second"), three),
    ]
    with Session() as session:
        session.run(sets)
        before = session.run([reference, ReadVariableOp(handle, dtype="float32"), copy])
        session.run([assign(reference, reference * 2.0), assign(copy, copy * 3.0)])
        np.testing.assert_array_equal(before, [VALUES["a"]] * 3)
        np.testing.assert_array_equal(session.run(reference), VALUES["a"] * 2)
        np.testing.assert_array_equal(session.run("second:0"), VALUES["a"])


def test_shards_are_merged(tmp_path: Path) -> None:
    parts = [str(tmp_path / f"temp_{i}" / "part") for i in range(2)]
    saves = [
        checkpoint_io.SaveV2(part, [name], [""], [VALUES[name]])
        for part, name in zip(parts, "ab", strict=True)
    ]
    target = str(tmp_path / "whole")
    merge = checkpoint_io.MergeV2Checkpoints(parts, target)
    with Session() as session:
        session.run(saves)
        session.run(merge)
        found = session.run(restore(target, ["b", "a"], types_of("b", "a")))
    np.testing.assert_array_equal(found[1], VALUES["a"])
    assert found[0] == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "whole.data-00000-of-00002",
        "whole.data-00001-of-00002",
        "whole.index",
    ]
    missing = checkpoint_io.MergeV2Checkpoints([*parts, target], target + "2")
    with pytest.raises(errors.NotFoundError):
        run(missing)


def test_names_of_shards() -> None:
    assert run(checkpoint_io.ShardedFilename("dir/model", 3, 12)) == b"dir/model-00003-of-00012"
    assert run(checkpoint_io.ShardedFilespec("dir/model", 12)) == b"dir/model-?????-of-00012"


def test_the_first_formats_ops_read_any_checkpoint(prefix: str) -> None:
    save_checkpoint(prefix, {"a": VALUES["a"]})
    np.testing.assert_array_equal(
        run(checkpoint_io.Restore(prefix, "a", dt="float32")), VALUES["a"]
    )
    part = checkpoint_io.RestoreSlice(prefix, "a", "2 3 0,1:-", dt="float32")
    assert part.shape.as_list() == [1, 3]
    np.testing.assert_array_equal(run(part), VALUES["a"][:1])


def test_the_first_formats_ops_write_it(prefix: str) -> None:
    halves = [VALUES["a"][:1], VALUES["a"][1:]]
    specs = ["2 3 0,1:-", "2 3 1,1:-", ""]
    run(checkpoint_io.SaveSlices(prefix, ["a", "a", "b"], specs, [*halves, np.int64(7)]))
    whole, number = run(restore(prefix, ["a", "b"], ["float32", "int64"]))
    np.testing.assert_array_equal(whole, VALUES["a"])
    assert number == 7
    with open_checkpoint(prefix) as checkpoint:
        assert (checkpoint.format_version, checkpoint.prefix) == (1, prefix)
    run(checkpoint_io.Save(prefix, ["z", "y"], [halves[0], "text"]))
    with open_checkpoint(prefix) as checkpoint:
        assert list(checkpoint) == ["y", "z"]
        assert checkpoint["y"] == b"text"


def test_the_first_formats_ops_refuse(prefix: str) -> None:
    names = placeholder("string")
    with pytest.raises(errors.InvalidArgumentError, match="2 tensor names but 1"):
        run(checkpoint_io.Save(prefix, names, [1.0]), {names: ["a", "b"]})
    with pytest.raises(ValueError, match="not compatible"):
        checkpoint_io.SaveSlices(prefix, ["a"], ["", ""], [1.0])
    with pytest.raises(errors.UnimplementedError, match="uint32"):
        run(checkpoint_io.Save(prefix, ["a"], [np.uint32(1)]))
    path = placeholder("string")
    with pytest.raises(errors.InvalidArgumentError, match="single string"):
        run(checkpoint_io.Save(path, ["a"], [1.0]), {path: [prefix, prefix]})


@pytest.mark.parametrize("version", [1, 2])
def test_several_threads_read_the_same(
    prefix: str, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_io, "_MANY_BYTES", 0)
    monkeypatch.setattr(checkpoint_io, "_LARGE_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    seen = set()
    read = checkpoint_io._read

    def recorded(*args: Any) -> Any:
        seen.add(threading.current_thread().name)
        return read(*args)

    monkeypatch.setattr(checkpoint_io, "_read", recorded)
    values = {f"v{i}": np.full((50, i), i, np.int32) for i in range(40)}
    save_checkpoint(prefix, values, format_version=version)
    found = run(restore(prefix, list(values), ["int32"] * 40))
    for value, expected in zip(found, values.values(), strict=True):
        np.testing.assert_array_equal(value, expected)
    assert seen
    assert all(name.startswith("evergraph-restore") for name in seen)
    with pytest.raises(errors.InvalidArgumentError, match="tensor_name = v7; expected dtype"):
        run(restore(prefix, list(values), ["int32"] * 7 + ["float32"] * 33))


def test_a_graph_without_the_right_to_files_may_not(prefix: str) -> None:
    save_checkpoint(prefix, {"a": VALUES["a"]})
    nodes = [
        checkpoint_io.SaveV2(prefix, ["x"], [""], [1.0]),
        *restore(prefix, ["a"], ["float32"]),
        checkpoint_io.MergeV2Checkpoints([prefix], prefix + "2"),
        checkpoint_io.Save(prefix, ["x"], [1.0]),
        checkpoint_io.SaveSlices(prefix, ["x"], [""], [1.0]),
        checkpoint_io.Restore(prefix, "a", dt="float32"),
        checkpoint_io.RestoreSlice(prefix, "a", "", dt="float32"),
    ]
    with Session() as session:
        session.state.capabilities = frozenset()
        for node in nodes:
            with pytest.raises(errors.PermissionDeniedError, match="files"):
                session.run(node)


def test_a_variable_is_saved_whole_while_another_thread_trains(prefix: str) -> None:
    size = 2_000_000
    variable = variable_op_v2([size], "float32", "v")
    start = assign(variable, np.zeros(size, np.float32))
    step = assign_add(variable, np.ones(size, np.float32))
    save = checkpoint_io.SaveV2(prefix, ["v"], [""], [identity(variable)])
    done = threading.Event()
    with Session() as session:
        session.run(start)

        def train() -> None:
            while not done.is_set():
                session.run(step)

        thread = threading.Thread(target=train)
        thread.start()
        try:
            for _ in range(6):
                session.run(save)
                with open_checkpoint(prefix) as checkpoint:
                    value = checkpoint["v"]
                assert value.min() == value.max()
        finally:
            done.set()
            thread.join()
        assert session.run(variable)[0] > 0
