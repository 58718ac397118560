"""Checkpoints under other names: the rules, the view, and what is written of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evergraph
from evergraph import errors
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_rename import save_renamed
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.object_graph import OBJECT_GRAPH_KEY
from evergraph.formats.renaming import new_names
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.storage.leftovers import settle
from tests.formats.test_object_graph import node, variable

WEIGHTS = {
    "model/a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "model/a/bias": np.zeros(3, np.float32),
    "model/names": np.array([b"a", b"bc"], object),
    "step": np.int64(7),
}


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    return evergraph.save_checkpoint(tmp_path / "m", WEIGHTS)


@pytest.fixture
def parts(tmp_path: Path) -> str:
    """A partitioned variable and a whole one."""
    with BundleWriter(tmp_path / "parts") as writer:
        for i in range(3):
            box = TensorSlice(((2 * i, 2), (0, -1)))
            writer.add_slice("a/w", (6, 2), box, np.full((2, 2), i, np.float32))
        writer.add("a/b", np.ones(4))
    return str(tmp_path / "parts")


# ------------------------------------------------------------------------------------- the rules


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({"^model/": ""}, "a/kernel a/bias step"),
        (
            {"model/": "x/", "^x/a": "y"},
            "y/kernel y/bias step",
        ),  # in order, each on what was before
        ({"e": "E"}, "modEl/a/kErnEl modEl/a/bias stEp"),  # every occurrence
        ({r"(\w+)/(?P<last>\w+)$": r"\g<last>/\1"}, "model/kernel/a model/bias/a step"),
        ({"kernel|bias": lambda found: found[0].upper()}, "model/a/KERNEL model/a/BIAS step"),
        ({"^model/": None}, "step"),
        ([("a", "b"), ("a", "c")], "model/b/kernel model/b/bibs step"),
        (lambda name: name[:-1] if "/" in name else None, "model/a/kerne model/a/bia"),
        ({}, "model/a/kernel model/a/bias step"),
    ],
)
def test_rules(rules: Any, wanted: str) -> None:
    assert (
        list(new_names(["model/a/kernel", "model/a/bias", "step"], rules).values())
        == wanted.split()
    )


def test_a_clash_names_both() -> None:
    with pytest.raises(errors.InvalidArgumentError) as caught:
        new_names(["a/w", "b/w", "c"], {"^[ab]/": ""})
    for name in ("'w'", "'a/w'", "'b/w'"):
        assert name in caught.value.message


@pytest.mark.parametrize(
    ("rules", "phrase"),
    [
        ({"(": ""}, "is no regular expression"),
        ({"w": r"\2"}, "cannot be renamed"),
        ({"w": r"\g<no>"}, "cannot be renamed"),
        ({"^.*$": ""}, "not empty"),
        (lambda name: 3, "not empty"),
    ],
)
def test_rules_that_are_none(rules: Any, phrase: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match=phrase):
        new_names(["w"], rules)


@given(
    st.lists(st.text("ab/_", min_size=1, max_size=6), unique=True),
    st.sampled_from(["a", "^a", "b$", "a|b", "/"]),
    st.text("xy/", max_size=2),
)
def test_names_are_never_lost(names: list[str], pattern: str, new: str) -> None:
    try:
        found = new_names(names, {pattern: new})
    except errors.InvalidArgumentError:
        wanted = [re.sub(pattern, new, name) for name in names]
        assert len(set(wanted)) < len(names) or "" in wanted
        return
    assert list(found) == names
    assert len(set(found.values())) == len(names)


# -------------------------------------------------------------------------------------- the view


def test_a_view_is_a_checkpoint(prefix: str) -> None:
    view = evergraph.open_checkpoint(prefix).rename({"^model/": "net/", "names": None})
    assert list(view) == ["net/a/bias", "net/a/kernel", "step"]
    assert (len(view), "net/a/bias" in view, "model/a/bias" in view) == (3, True, False)
    np.testing.assert_array_equal(view["net/a/kernel"], WEIGHTS["model/a/kernel"])
    assert view.read_slice("net/a/kernel", "1,1:-").tolist() == [[3, 4, 5]]
    assert [info.name for info in view.tensors] == list(view)
    assert view.shape("net/a/kernel") == (2, 3)
    assert view.nbytes == 24 + 12 + 8
    assert view.original_names["net/a/bias"] == "model/a/bias"
    assert (len(view.places("net/a/bias")), view.num_shards) == (1, 1)
    assert "renamed" in repr(view)
    with pytest.raises(KeyError, match="'net/a/kernel'"):
        view["net/kernel"]
    again = view.rename({"^net/": "", "step": "global_step"})
    assert again.original_names == {
        "a/bias": "model/a/bias",
        "a/kernel": "model/a/kernel",
        "global_step": "step",
    }
    again.close()
    with pytest.raises(errors.FailedPreconditionError, match="closed"):
        view["step"]


def test_a_view_reads_nothing_before_it_is_asked(prefix: str) -> None:
    view = evergraph.open_checkpoint(prefix).rename({"^": "x/"})
    os.truncate(f"{prefix}.data-00000-of-00001", 0)
    assert view.info("x/step").dtype.name == "int64"
    with pytest.raises(errors.DataLossError):
        view["x/step"]


def test_saving_a_view(prefix: str, parts: str, tmp_path: Path) -> None:
    view = evergraph.open_checkpoint(prefix).rename({"^model/": ""})
    with evergraph.open_checkpoint(evergraph.save_checkpoint(tmp_path / "new", view)) as new:
        assert list(new) == ["a/bias", "a/kernel", "names", "step"]
        assert new["names"].tolist() == [b"a", b"bc"]
    view = evergraph.open_checkpoint(parts).rename({"^a/": ""})
    with evergraph.open_checkpoint(evergraph.save_checkpoint(tmp_path / "new", view)) as new:
        assert len(new.info("w").slices) == 3
        assert new["w"][:, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_saving_a_view_holds_one_tensor_at_a_time(tmp_path: Path) -> None:
    import tracemalloc

    big = {f"t{i}": np.full(1 << 18, i, np.float32) for i in range(16)}
    prefix = evergraph.save_checkpoint(tmp_path / "big", big)
    view = evergraph.open_checkpoint(prefix).rename({"^": "x/"})
    del big
    tracemalloc.start()
    evergraph.save_checkpoint(tmp_path / "new", view)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 << 20  # of 16 MiB


def test_an_object_graph_goes_where_its_keys_go(tmp_path: Path) -> None:
    key = "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    graph = node({"layer": 1}) + node({"kernel": 2}) + variable("layer/kernel", "dense/kernel")
    path = evergraph.save_checkpoint(tmp_path / "m", {key: 1.5, OBJECT_GRAPH_KEY: graph})
    with evergraph.open_checkpoint(path) as ckpt:
        assert ckpt.rename({"nowhere": ""}).object_graph is not None
        for name in ("layer/kernel", "dense/kernel", key):
            assert name in ckpt
            assert ckpt[name] == 1.5
            assert ckpt.info(name).name == key
        assert list(ckpt) == [OBJECT_GRAPH_KEY, key]
        with pytest.raises(KeyError, match=r"object-based .*'layer/kernel'"):
            ckpt["layer/kernal"]
        assert list(ckpt.rename(ckpt.object_graph.path)) == ["layer/kernel"]
        assert list(ckpt.rename(ckpt.object_graph.full_name)) == ["dense/kernel"]
        assert ckpt.rename({"layer/": ""}).object_graph is None


def test_a_name_of_several_tensors_is_none(tmp_path: Path) -> None:
    graph = (
        node({"x": 1, "y": 2, "z": 3})
        + variable("x", "Variable")
        + variable("y", "Variable")
        + variable("z")
    )
    tensors = {f"{name}/.ATTRIBUTES/VARIABLE_VALUE": 1 for name in "xy"}
    path = evergraph.save_checkpoint(tmp_path / "m", {**tensors, OBJECT_GRAPH_KEY: graph})
    with evergraph.open_checkpoint(path) as ckpt:
        assert "Variable" not in ckpt
        with pytest.raises(KeyError, match=r"means 2 tensors.*'x/.ATTR.*'y/.ATTR"):
            ckpt["Variable"]
        assert "z" not in ckpt  # an object whose tensor is not there
        with pytest.raises(errors.InvalidArgumentError, match="Two tensors would be called"):
            ckpt.rename(ckpt.object_graph.full_name)


@pytest.mark.parametrize("graph", [np.zeros(3), np.array([b"\n"], object), b"\n\xff"])
def test_a_damaged_object_graph_hides_no_tensor(tmp_path: Path, graph: Any) -> None:
    path = evergraph.save_checkpoint(tmp_path / "m", {"x": 1, OBJECT_GRAPH_KEY: graph})
    with evergraph.open_checkpoint(path) as ckpt:
        assert ckpt["x"] == 1
        assert "y" not in ckpt
        with pytest.raises(errors.DataLossError, match=r"object graph of checkpoint .* is damaged"):
            ckpt.object_graph  # noqa: B018
        with pytest.raises(KeyError):
            ckpt["y"]


# ------------------------------------------------------------------------------ what is written


def inode(prefix: str | Path) -> int:
    return Path(f"{prefix}.data-00000-of-00001").stat().st_ino


def test_new_names_for_the_same_data(prefix: str, tmp_path: Path) -> None:
    view = evergraph.open_checkpoint(prefix).rename({"^model/": ""})
    assert save_renamed(tmp_path / "sub" / "new", view) is True
    assert inode(tmp_path / "sub" / "new") == inode(prefix)
    with evergraph.open_checkpoint(tmp_path / "sub" / "new") as new:
        assert list(new) == ["a/bias", "a/kernel", "names", "step"]
        assert {name: new[name].tolist() for name in new} == {
            name: view[name].tolist() for name in view
        }
    # Saving again under either name leaves the other as it was.
    evergraph.save_checkpoint(prefix, {"x": 1})
    assert evergraph.open_checkpoint(tmp_path / "sub" / "new")["step"] == 7
    with pytest.raises(errors.DataLossError, match="replaced since it was opened"):
        save_renamed(tmp_path / "late", view)
    assert not (tmp_path / "late.index").exists()


def test_what_is_dropped_leaves_no_bytes(parts: str, tmp_path: Path) -> None:
    with evergraph.open_checkpoint(parts) as ckpt:
        view = ckpt.rename({"b$": None, "w": "weights"})
        assert save_renamed(tmp_path / "new", view) is False
        assert (tmp_path / "new.data-00000-of-00001").stat().st_size == 48
        with evergraph.open_checkpoint(tmp_path / "new") as new:
            assert list(new) == ["a/weights"]
            assert len(new.info("a/weights").slices) == 3
            np.testing.assert_array_equal(new["a/weights"], ckpt["a/w"])


def test_nothing_is_replaced_unasked(prefix: str, tmp_path: Path) -> None:
    with evergraph.open_checkpoint(prefix) as ckpt:
        view = ckpt.rename({"^": "x/"})
        save_renamed(tmp_path / "new", view)
        with pytest.raises(errors.AlreadyExistsError, match="already"):
            save_renamed(tmp_path / "new", view)
        assert save_renamed(tmp_path / "new", view, overwrite=True) is False  # the name is taken
        with pytest.raises(errors.InvalidArgumentError, match="is the checkpoint itself"):
            save_renamed(prefix, view, overwrite=True)
        with pytest.raises(errors.InvalidArgumentError, match="cannot be a checkpoint's prefix"):
            save_renamed(tmp_path / "new.index", view)
    assert sorted(os.listdir(tmp_path)) == sorted(
        f"{name}{end}" for name in ("m", "new") for end in (".index", ".data-00000-of-00001")
    )


def test_where_there_are_no_links_data_is_copied(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*unused: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    view = evergraph.open_checkpoint(prefix).rename({"^": "x/"})
    assert save_renamed(tmp_path / "new", view) is False
    assert evergraph.open_checkpoint(tmp_path / "new")["x/step"] == 7
    assert len(os.listdir(tmp_path)) == 4


def test_missing_data_is_told(prefix: str, tmp_path: Path) -> None:
    os.remove(f"{prefix}.data-00000-of-00001")
    view = evergraph.open_checkpoint(f"{prefix}.index").rename({"^": "x/"})
    with pytest.raises(errors.NotFoundError):
        save_renamed(tmp_path / "new", view)
    assert os.listdir(tmp_path) == ["m.index"]


KILLED = """
import os, signal, sys
import evergraph
from evergraph.formats.bundle_rename import save_renamed
source, target, link, moment = sys.argv[1], sys.argv[2], sys.argv[3] == "1", int(sys.argv[4])
view = evergraph.open_checkpoint(source).rename({"^": "x/"})
count = 0
def step(real):
    def counted(*args):
        global count
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return real(*args)
    return counted
for name in ("open", "write", "fsync", "replace", "close", "link"):
    setattr(os, name, step(getattr(os, name)))
save_renamed(target, view, link=link)
os._exit(7)
"""


@pytest.mark.parametrize("link", ["0", "1"])
def test_killed_at_any_step_it_is_there_or_not(prefix: str, tmp_path: Path, link: str) -> None:
    for moment in range(40):
        folder = tmp_path / f"{moment}"
        done = subprocess.run(
            [sys.executable, "-c", KILLED, prefix, folder / "new", link, str(moment)], check=False
        )
        if folder.exists():
            settle(str(folder))
            left = sorted(os.listdir(folder))
            if "new.index" in left:
                assert left == ["new.data-00000-of-00001", "new.index"]
                assert evergraph.open_checkpoint(folder / "new")["x/step"] == 7
            else:
                assert left == []
        assert evergraph.open_checkpoint(prefix)["step"] == 7
        if done.returncode == 7:
            assert moment > 10
            return
    pytest.fail("it never came to an end")


@pytest.mark.shared
def test_real_checkpoints_are_renamed(shared: Path, tmp_path: Path) -> None:
    """Several shards, slices, big-endian numbers, and the format of 2015."""
    edge = shared / "data" / "edge"
    for number, place in enumerate(
        ("part_v2", "sharded_v2", "sharded_res_v2", "big_endian", "part_v1", "sharded_v1", "dtypes")
    ):
        with evergraph.open_checkpoint(edge / place) as ckpt:
            view = ckpt.rename({"^": "x/"})
            target = tmp_path / f"{number}"
            save_renamed(target, view, link=False)
            with evergraph.open_checkpoint(target) as new:
                assert list(new) == [f"x/{name}" for name in ckpt]
                for name in ckpt:
                    old_info, info = ckpt.info(name), new.info(f"x/{name}")
                    assert (info.dtype, info.shape) == (old_info.dtype, old_info.shape)
                    assert len(info.slices) == len(old_info.slices)
                    if ckpt.format_version == 2 and not info.dtype.is_numpy_compatible:
                        continue
                    assert new[f"x/{name}"].tobytes() == ckpt[name].tobytes() or (
                        new[f"x/{name}"].tolist() == ckpt[name].tolist()
                    )
            if ckpt.format_version == 2:
                with BundleReader(target) as reader, BundleReader(ckpt.prefix) as old:
                    assert reader.num_shards == old.num_shards
                    assert reader.big_endian == old.big_endian
