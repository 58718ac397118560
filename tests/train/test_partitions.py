"""Partitioned variables in checkpoints: any parts restored into any others, slots with them, and what is said where
they do not fit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.variables.save_slice import SaveSliceInfo


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def box(place: Any) -> tuple[slice, ...]:
    return tuple(slice(o, o + n) for o, n in zip(place.var_offset, place.var_shape, strict=True))


def numbers(name: str, shape: list[int], kind: Any) -> Any:
    found = np.random.RandomState(zlib.crc32(name.encode()) % 1000).uniform(1, 100, shape)
    return found.astype(kind.as_numpy_dtype)


def fill(session: Any) -> None:
    """Sets each variable to numbers of its own, each part to its part of them."""
    for variable in tf.global_variables():
        place, kind = variable._get_save_slice_info(), variable.dtype.base_dtype
        if place is None:
            value = numbers(variable.op.name, variable.shape.as_list(), kind)
        else:
            value = numbers(place.full_name, place.full_shape, kind)[box(place)]
        variable.load(value, session)


def assert_filled(session: Any) -> None:
    for variable in tf.global_variables():
        place, kind = variable._get_save_slice_info(), variable.dtype.base_dtype
        if place is None:
            wanted = numbers(variable.op.name, variable.shape.as_list(), kind)
        else:
            wanted = numbers(place.full_name, place.full_shape, kind)[box(place)]
        np.testing.assert_array_equal(session.run(variable), wanted, err_msg=variable.name)


def make(name: str, shape: list[int], cut: Any, resource: bool, kind: Any = tf.float32) -> Any:
    """A variable in ``cut`` = (axis, count) parts; None: in one piece."""
    partitioner = None if cut is None else tf.fixed_size_partitioner(cut[1], cut[0])
    return tf.get_variable(name, shape, kind, partitioner=partitioner, use_resource=resource)


shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3)
cuts = st.none() | st.tuples(st.integers(-1, 0), st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(shape=shapes, saved=cuts, restored=cuts, resources=st.tuples(st.booleans(), st.booleans()))
def test_any_parts_into_any_others(
    tmp_path_factory: pytest.TempPathFactory,
    shape: list[int],
    saved: Any,
    restored: Any,
    resources: tuple[bool, bool],
) -> None:
    prefix = str(tmp_path_factory.mktemp("parts") / "m")
    for cut, resource in zip((saved, restored), resources, strict=True):
        with tf.Graph().as_default(), tf.Session() as session:
            for name, kind in (("w", tf.float32), ("n", tf.int64)):
                make(name, shape, cut, resource, kind)
            saver = tf.train.Saver()
            if cut is saved and not Path(f"{prefix}.index").exists():
                fill(session)
                saver.save(session, prefix)
            else:
                saver.restore(session, prefix)
                assert_filled(session)
    with evergraph.open_checkpoint(prefix) as checkpoint:
        assert list(checkpoint) == ["n", "w"]
        np.testing.assert_array_equal(checkpoint["w"], numbers("w", shape, tf.float32))
        count = 1 if saved is None else min(saved[1], shape[saved[0]])
        # What is in one part is written as what is in none.
        assert len(checkpoint.info("w").slices) == (0 if count == 1 else count)


OPTIMIZERS = {
    "adam": lambda: tf.train.AdamOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.1, centered=True),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1),
    "adadelta": lambda: tf.train.AdadeltaOptimizer(0.1),
}


def training(cut: Any, resource: bool, optimizer: str) -> tuple[Any, Any]:
    w = make("w", [5, 4], cut, resource)
    loss = tf.reduce_sum(tf.square(w if cut is None else w.as_tensor()) * 0.1)
    train = OPTIMIZERS[optimizer]().minimize(loss)
    average = tf.train.ExponentialMovingAverage(0.9)
    with tf.control_dependencies([train]):
        step = average.apply(tf.trainable_variables())
    return step, tf.train.Saver()


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_slots_go_with_their_parts(tmp_path: Path, optimizer: str, resource: bool) -> None:
    """Training goes on in other parts as it would have in the same."""
    prefix, found = str(tmp_path / "m"), []
    with tf.Session() as session:
        step, saver = training((0, 3), resource, optimizer)
        slots = [v for v in tf.global_variables() if "/part_0/" in v.name]
        assert all(
            v._get_save_slice_info().full_name == v.op.name.replace("/part_0", "") for v in slots
        )
        session.run(tf.global_variables_initializer())
        session.run(step)
        saver.save(session, prefix)
    for cut in ((0, 3), (0, 2), (1, 4), (0, 1), None):
        with tf.Graph().as_default(), tf.Session() as session:
            step, saver = training(cut, resource, optimizer)
            saver.restore(session, prefix)
            session.run(step)
            saver.save(session, f"{prefix}-on")
        with evergraph.open_checkpoint(f"{prefix}-on") as checkpoint:
            found.append({name: checkpoint[name] for name in checkpoint})
    assert "w/ExponentialMovingAverage" in found[0]
    for other in found[1:]:
        assert set(other) == set(found[0])
        for name, value in found[0].items():
            np.testing.assert_allclose(other[name], value, rtol=1e-6, err_msg=name)


def test_slots_of_fewer_dimensions() -> None:
    from evergraph.variables.slots import create_slot, create_zeros_slot

    (_, part) = make("s/w", [5, 4], (0, 2), False)
    rows = create_slot(part, tf.zeros([2]), "rows")
    assert rows._get_save_slice_info().spec == "5 3,2"
    assert rows._get_save_slice_info().full_name == "s/w/rows"
    assert create_slot(part, tf.zeros([]), "count")._get_save_slice_info() is None
    again = create_zeros_slot(part, "rows")
    assert again._get_save_slice_info().full_name == "s/w/rows_1"
    assert create_zeros_slot(tf.Variable([1.0]), "plain")._get_save_slice_info() is None


def test_names_in_a_saver(tmp_path: Path) -> None:
    w, t = make("w", [5, 2], (0, 3), False), make("t", [4], (0, 2), True)
    savers = {
        "list": (tf.train.Saver([w, list(t)]), ["t", "w"]),
        "renamed": (tf.train.Saver({"a": w, "b": tuple(t), "c": next(iter(w))}), ["a", "b", "c"]),
        "one by one": (
            tf.train.Saver({v.op.name: v for v in w}),
            [f"w/part_{i}" for i in (0, 1, 2)],
        ),
        "flat": (tf.train.Saver([*w, *t]), ["t", "w"]),
    }
    with tf.Session() as session:
        fill(session)
        for name, (saver, keys) in savers.items():
            saver.save(session, tmp_path / name)
            with evergraph.open_checkpoint(tmp_path / name) as checkpoint:
                assert list(checkpoint) == keys
        session.run([part.initializer for part in w])
        savers["renamed"][0].restore(session, tmp_path / "renamed")
        assert_filled(session)


def test_what_a_saver_refuses() -> None:
    w, t = make("w", [5, 2], (0, 3), False), make("t", [4], (0, 2), True)
    whole = tf.Variable(1.0)
    for variables, message in [
        ([w, *w], "Mixing slices and non-slices with the same name: w"),
        ([w, w], "At least two variables have the same name: w"),
        ({"w": [whole]}, "A list stands for the parts of one partitioned variable"),
        ({"w": [tf.constant(1.0)]}, "Slices must all be Variables"),
        ({"w": [*w, *t]}, "Slices must all be from the same tensor: w != t"),
        ({"a": w, "b": list(w)}, "restored with two names: b and a"),
    ]:
        with pytest.raises(ValueError, match=message):
            tf.train.Saver(variables)


def test_reading_by_hand(tmp_path: Path) -> None:
    w = make("w", [5, 4], (1, 3), False)
    with tf.Session() as session:
        fill(session)
        tf.train.Saver([w]).save(session, tmp_path / "m")
    wanted = numbers("w", [5, 4], tf.float32)
    with evergraph.open_checkpoint(tmp_path / "m") as checkpoint:
        assert [str(part) for part in checkpoint.info("w").slices] == [
            "0,5:0,2",
            "0,5:2,1",
            "0,5:3,1",
        ]
        np.testing.assert_array_equal(checkpoint["w"], wanted)
        np.testing.assert_array_equal(checkpoint.read_slice("w", "1,3:1,2"), wanted[1:4, 1:3])
    reader = tf.train.NewCheckpointReader(str(tmp_path / "m"))
    assert reader.get_variable_to_shape_map() == {"w": [5, 4]}
    np.testing.assert_array_equal(reader.get_tensor("w"), wanted)


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_meta_graphs(tmp_path: Path, resource: bool) -> None:
    prefix = str(tmp_path / "m")
    with tf.Session() as session:
        _, saver = training((0, 3), resource, "adam")
        fill(session)
        saver.save(session, prefix)
        protos = [v.to_proto() for v in tf.global_variables()]
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(f"{prefix}.meta")
        saver.restore(session, prefix)
        assert_filled(session)
        assert [v.to_proto() for v in tf.global_variables()] == protos
        saver.save(session, f"{prefix}-again", write_meta_graph=False)
        tf.train.Saver().save(session, f"{prefix}-new", write_meta_graph=False)
    for ending in (".index", ".data-00000-of-00001"):
        wanted = Path(prefix + ending).read_bytes()
        assert Path(f"{prefix}-again{ending}").read_bytes() == wanted
        assert Path(f"{prefix}-new{ending}").read_bytes() == wanted


def test_meta_graphs_into_a_scope(tmp_path: Path) -> None:
    w = make("net/w", [5, 4], (0, 2), True)
    tf.add_to_collection("mine", w)
    tf.train.Saver()
    meta = tf.train.export_meta_graph(export_scope="net")
    message = tf.train.export_meta_graph(tmp_path / "m.meta")
    assert list(message.collection_def["mine"].node_list.value) == ["net/w"]
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(meta, import_scope="other")
        places = [v._get_save_slice_info() for v in tf.global_variables()]
        assert [place.full_name for place in places] == ["other/w"] * 2
        assert [place.spec for place in places] == ["5 4 0,3:0,4", "5 4 3,2:0,4"]
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(str(tmp_path / "m.meta"))
        assert graph.get_collection("mine")[-1].name in ("net/w", "net/w:0")


def test_frozen(tmp_path: Path) -> None:
    w = make("w", [5, 4], (0, 3), False)
    output = tf.matmul(tf.placeholder(tf.float32, [None, 5], name="x"), w, name="y")
    rows = np.eye(5, dtype=np.float32)[:2]
    with tf.Session() as session:
        fill(session)
        tf.train.Saver().save(session, tmp_path / "m")
        wanted = session.run(output, {"x:0": rows})
    frozen = evergraph.freeze(tmp_path / "m", outputs="y").graph_def
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(frozen, name="")
        np.testing.assert_array_equal(session.run("y:0", {"x:0": rows}), wanted)


# What is said where a restore fails


def failed(prefix: Path, variables: Any = None) -> str:
    with tf.Session() as session, pytest.raises(errors.OpError) as error:
        tf.train.Saver(variables).restore(session, prefix)
    return error.value.message


def test_parts_that_were_saved_one_by_one(tmp_path: Path) -> None:
    parts = {f"w/part_{i}": np.ones([n, 2], np.float32) for i, n in enumerate((2, 2, 1))}
    evergraph.save_checkpoint(tmp_path / "m", {**parts, "b": np.ones(2, np.float32)})
    w = make("w", [5, 2], (0, 3), False)
    message = failed(tmp_path / "m")
    assert "Key w not found in checkpoint" in message
    assert "1 of the 1 variables" in message
    assert "w/part_0, w/part_1, w/part_2: the parts of w were saved one by one" in message
    with tf.Session() as session:
        tf.train.Saver({part.op.name: part for part in w}).restore(session, tmp_path / "m")
        session.run(w.as_tensor())
        tf.train.Saver(name="other")
        with pytest.raises(errors.NotFoundError, match="saved one by one"):
            session.run("other/restore_all", {"other/Const:0": str(tmp_path / "m")})


def test_parts_that_are_asked_for_one_by_one(tmp_path: Path) -> None:
    w = make("w", [5, 2], (0, 3), False)
    average = tf.train.ExponentialMovingAverage(0.9)
    average.apply()
    with tf.Session() as session:
        fill(session)
        tf.train.Saver().save(session, tmp_path / "m")
    message = failed(tmp_path / "m", average.variables_to_restore())
    assert "tf.train.Saver({'w/ExponentialMovingAverage': <the partitioned variable" in message
    tf.train.Saver({"w/ExponentialMovingAverage": w}).restore(tf.Session(), tmp_path / "m")


def test_another_shape(tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "m", {"w": np.ones([6, 2], np.float32)})
    make("w", [5, 2], (0, 3), False)
    message = failed(tmp_path / "m")
    assert "1 variable has another shape" in message
    assert "w: float32[5,2] in the graph, float32[6,2] in the checkpoint" in message


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    w = make("w", [5, 2], (0, 3), False)
    with tf.Session() as session:
        fill(session)
        tf.train.Saver(list(w)[:2]).save(session, tmp_path / "m")
        session.run([part.initializer for part in w])
        tf.train.Saver(list(w)[:2]).restore(session, tmp_path / "m")
    message = failed(tmp_path / "m")
    assert "has not all parts of tensor 'w': its 2 slices lack 2 of the elements of" in message
    with (
        evergraph.open_checkpoint(tmp_path / "m") as checkpoint,
        pytest.raises(errors.InvalidArgumentError, match="has not all parts"),
    ):
        checkpoint["w"]


def test_save_slice_info() -> None:
    place = SaveSliceInfo("net/w", [5, 2], [3, 0], [2, 2])
    assert place.spec == "5 2 3,2:0,2"
    again = SaveSliceInfo(save_slice_info_def=place.to_proto("net"), import_scope="other")
    assert (again.full_name, again.spec) == ("other/w", place.spec)
    assert place.to_proto("elsewhere") is None


# Real files


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["part_v2", "part_v1"])
def test_real_files(shared: Path, tmp_path: Path, folder: str) -> None:
    prefix = shared / "data" / "edge" / folder / "model.ckpt-5"
    with tf.Session() as session, evergraph.open_checkpoint(prefix) as checkpoint:
        saver = tf.train.import_meta_graph(f"{prefix}.meta")
        saver.restore(session, str(prefix))
        for variable in tf.global_variables():
            place = variable._get_save_slice_info()
            if place is None:
                wanted = checkpoint[variable.op.name]
            else:
                wanted = checkpoint[place.full_name][box(place)]
            np.testing.assert_array_equal(session.run(variable), wanted)
        saver.save(session, str(tmp_path / "m"), write_meta_graph=False)
        tf.train.Saver().save(session, tmp_path / "new", write_meta_graph=False)
        if folder == "part_v1":
            assert (tmp_path / "m").read_bytes() == prefix.read_bytes()
        with evergraph.open_checkpoint(tmp_path / "new") as again:
            assert [set(again.info(name).slices) for name in again] == [
                set(checkpoint.info(name).slices) for name in checkpoint
            ]
        if folder == "part_v2":
            for ending in (".index", ".data-00000-of-00001"):
                wanted = Path(f"{prefix}{ending}").read_bytes()
                assert (tmp_path / f"m{ending}").read_bytes() == wanted
                assert (tmp_path / f"new{ending}").read_bytes() == wanted
