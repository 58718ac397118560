"""``evergraph.open_checkpoint`` and ``save_checkpoint``, and what importing the package costs."""

from __future__ import annotations

import collections.abc
import json
import logging
import os
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evergraph
from evergraph import errors

WEIGHTS = {
    "dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "dense/bias": np.zeros(3, np.float32),
    "global_step": np.int64(7),
    "names": np.array([b"a", b"bc"], object),
}


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


# ------------------------------------------------------------------------------------ the package


def test_import_loads_nothing() -> None:
    before = loaded_after("import importlib, typing, __future__")
    new = loaded_after("import evergraph; dir(evergraph); evergraph.__version__") - before
    assert new == {"evergraph"}


def test_a_checkpoint_loads_no_graph_and_no_protobuf(tmp_path: pathlib.Path) -> None:
    prefix = str(tmp_path / "m")
    modules = loaded_after(
        "import evergraph\n"
        f"evergraph.save_checkpoint({prefix!r}, {{'x': 1.5}}, update_state=True)\n"
        f"ckpt = evergraph.open_checkpoint({str(tmp_path)!r}); print(ckpt); ckpt['x']"
    )
    assert "numpy" in modules
    for heavy in ("google.protobuf", "ml_dtypes", "cramjam", "evergraph.graph", "evergraph.ops"):
        assert heavy not in modules


def test_names_of_the_package() -> None:
    assert evergraph.errors is errors
    assert callable(evergraph.open_checkpoint)
    assert set(evergraph.__all__) <= set(dir(evergraph))
    for name in evergraph.__all__:
        assert getattr(evergraph, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        evergraph.no_such_name  # noqa: B018
    assert not hasattr(evergraph, "__path_of_nothing__")


# --------------------------------------------------------------------------------- open_checkpoint


@pytest.fixture
def prefix(tmp_path: pathlib.Path) -> str:
    return evergraph.save_checkpoint(tmp_path / "model.ckpt-7", WEIGHTS)


@pytest.mark.parametrize("suffix", ["", ".index", ".data-00000-of-00001", ".meta"])
def test_mapping(prefix: str, suffix: str) -> None:
    with evergraph.open_checkpoint(prefix + suffix) as ckpt:
        assert isinstance(ckpt, collections.abc.Mapping)
        assert list(ckpt) == sorted(WEIGHTS)
        assert len(ckpt) == 4
        assert "dense/bias" in ckpt
        assert "bias" not in ckpt
        assert ckpt.get("bias") is None
        for name, value in ckpt.items():
            np.testing.assert_array_equal(value, WEIGHTS[name])
            assert value.dtype == np.asarray(WEIGHTS[name]).dtype
        assert ckpt.get("global_step") == 7
        assert dict(ckpt).keys() == ckpt.keys()
        with pytest.raises(TypeError):
            ckpt["x"] = 1  # type: ignore[index]


def test_facts_before_any_data(prefix: str) -> None:
    with evergraph.open_checkpoint(prefix) as ckpt:
        os.truncate(f"{prefix}.data-00000-of-00001", 0)
        assert ckpt.dtype("dense/kernel") == np.float32
        assert ckpt.shape("dense/kernel") == (2, 3)
        info = ckpt.info("dense/kernel")
        assert (info.name, info.dtype.name, info.nbytes) == ("dense/kernel", "float32", 24)
        assert [i.name for i in ckpt.tensors] == sorted(WEIGHTS)
        assert ckpt.nbytes == 24 + 12 + 8 + 9
        assert (ckpt.prefix, ckpt.format_version, ckpt.notice) == (prefix, 2, "")
        with pytest.raises(errors.DataLossError, match="'dense/kernel'"):
            ckpt["dense/kernel"]


def test_missing_tensor(prefix: str) -> None:
    with evergraph.open_checkpoint(prefix) as ckpt:
        with pytest.raises(KeyError, match="'dense/kernel'"):
            ckpt["kernel"]
        with pytest.raises(errors.NotFoundError, match="Key dense/kernal not found in checkpoint"):
            ckpt.info("dense/kernal")


def test_part_of_a_tensor(prefix: str) -> None:
    with evergraph.open_checkpoint(prefix) as ckpt:
        np.testing.assert_array_equal(ckpt.read_slice("dense/kernel", "1,1:-"), [[3, 4, 5]])


def test_text_of_a_checkpoint(prefix: str) -> None:
    ckpt = evergraph.open_checkpoint(prefix)
    text = repr(ckpt)
    assert text.startswith(f"<Checkpoint {prefix!r}, format V2, 4 tensors\n")
    assert "dense/kernel  float32 [2, 3]" in text
    ckpt.close()
    assert "format V2" in repr(ckpt)
    with pytest.raises(errors.FailedPreconditionError, match="has been closed"):
        ckpt["dense/kernel"]


def test_text_of_a_large_checkpoint(tmp_path: pathlib.Path) -> None:
    path = evergraph.save_checkpoint(tmp_path / "m", {f"v{i:02d}": i for i in range(30)})
    assert repr(evergraph.open_checkpoint(path)).endswith("\n  ... and 20 more>")
    empty = evergraph.save_checkpoint(tmp_path / "e", {})
    assert repr(evergraph.open_checkpoint(empty)).endswith("0 tensors>")


def test_identity_not_values(prefix: str) -> None:
    a, b = evergraph.open_checkpoint(prefix), evergraph.open_checkpoint(prefix)
    assert a != b
    assert a in [b, a]
    assert len({a, b}) == 2


def test_notice_is_logged(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    evergraph.save_checkpoint(tmp_path / "m", {"x": 1})
    with caplog.at_level(logging.WARNING, logger="evergraph"):
        ckpt = evergraph.open_checkpoint(tmp_path)
    assert "its only checkpoint is taken, m" in caplog.text
    assert "its only checkpoint is taken" in ckpt.notice


def test_object_based_checkpoints_show_their_raw_keys(tmp_path: pathlib.Path) -> None:
    key = "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    path = evergraph.save_checkpoint(
        tmp_path / "m", {key: 1, "_CHECKPOINTABLE_OBJECT_GRAPH": b"\n"}
    )
    with evergraph.open_checkpoint(path) as ckpt:
        assert list(ckpt) == ["_CHECKPOINTABLE_OBJECT_GRAPH", key]
        with pytest.raises(KeyError, match=r"layer/kernel/\.ATTRIBUTES/VARIABLE_VALUE"):
            ckpt["layer/kernel"]


# --------------------------------------------------------------------------------- save_checkpoint


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.one_of(
            st.floats(width=32, allow_nan=False),
            st.integers(-(2**31), 2**31 - 1),
            st.booleans(),
            st.binary(),
            st.lists(st.floats(width=32, allow_nan=False), min_size=1),
        ),
        max_size=6,
    )
)
def test_python_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Any]
) -> None:
    path = evergraph.save_checkpoint(
        tmp_path_factory.mktemp("ckpt") / "m", tensors, durability="none"
    )
    with evergraph.open_checkpoint(path) as ckpt:
        assert set(ckpt) == set(tensors)
        for name, value in tensors.items():
            assert ckpt[name].tolist() == value


def test_anything_that_is_an_array(tmp_path: pathlib.Path) -> None:
    class Tensorish:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.arange(3, dtype=np.float16)

    path = evergraph.save_checkpoint(tmp_path / "m", {"t": Tensorish(), "f": 0.5, "i": [1, 2]})
    with evergraph.open_checkpoint(path) as ckpt:
        assert ckpt.dtype("t") == np.float16
        assert ckpt.dtype("f") == np.float32
        assert ckpt.dtype("i") == np.int32


def test_a_checkpoint_is_copied(prefix: str, tmp_path: pathlib.Path) -> None:
    with evergraph.open_checkpoint(prefix) as ckpt:
        copy = evergraph.save_checkpoint(tmp_path / "copy", ckpt)
        evergraph.save_checkpoint(prefix, {**ckpt, "dense/bias": np.ones(3, np.float32)})
        assert ckpt["dense/bias"].tolist() == [0, 0, 0]
    assert evergraph.open_checkpoint(copy)["dense/bias"].tolist() == [0, 0, 0]
    assert evergraph.open_checkpoint(prefix)["dense/bias"].tolist() == [1, 1, 1]


def test_all_or_nothing(prefix: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="tensor 'bad' cannot be stored"):
        evergraph.save_checkpoint(prefix, {"x": 1, "bad": object()})
    assert sorted(evergraph.open_checkpoint(prefix)) == sorted(WEIGHTS)
    assert len(os.listdir(os.path.dirname(prefix))) == 2


def test_no_room(prefix: str) -> None:
    huge = np.broadcast_to(np.float32(0), (1 << 58,))
    with pytest.raises(errors.ResourceExhaustedError, match="Nothing has been written"):
        evergraph.save_checkpoint(prefix, {"x": huge})
    assert len(evergraph.open_checkpoint(prefix)) == 4


def test_prefixes_that_cannot_be(tmp_path: pathlib.Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("folder", "m.index", "m.meta", "m.data-00000-of-00001"):
        with pytest.raises(errors.InvalidArgumentError, match="cannot be a checkpoint's prefix"):
            evergraph.save_checkpoint(tmp_path / name, {"x": 1})
    with pytest.raises(errors.InvalidArgumentError, match="cannot be"):
        evergraph.save_checkpoint(f"{tmp_path}/", {"x": 1})
    with pytest.raises(errors.InvalidArgumentError, match="name of the state file"):
        evergraph.save_checkpoint(tmp_path / "checkpoint", {"x": 1}, update_state=True)
    assert os.listdir(tmp_path) == ["folder"]


def test_state_file_only_when_asked(tmp_path: pathlib.Path) -> None:
    evergraph.save_checkpoint(tmp_path / "m-1", {"x": 1})
    assert not (tmp_path / "checkpoint").exists()
    for step in (2, 3, 2):
        evergraph.save_checkpoint(tmp_path / f"m-{step}", {"x": step}, update_state=True)
        assert evergraph.open_checkpoint(tmp_path)["x"] == step
    lines = (tmp_path / "checkpoint").read_text().splitlines()
    assert lines[:3] == [
        'model_checkpoint_path: "m-2"',
        'all_model_checkpoint_paths: "m-3"',
        'all_model_checkpoint_paths: "m-2"',
    ]
    assert len([line for line in lines if "timestamps" in line]) == 2


def test_state_file_of_tensorflow_is_gone_on_with(tmp_path: pathlib.Path) -> None:
    state = f'model_checkpoint_path: "{tmp_path}/old-1"\n'
    (tmp_path / "checkpoint").write_text(
        state + state.replace("model", "all_model", 1).replace("path:", "paths:")
    )
    evergraph.save_checkpoint(tmp_path / "m-2", {"x": 1}, update_state=True)
    assert (tmp_path / "checkpoint").read_text() == (
        'model_checkpoint_path: "m-2"\n'
        'all_model_checkpoint_paths: "old-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
    )


def test_relative_prefix(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for prefix in ("m", "a/b/m"):
        assert evergraph.save_checkpoint(prefix, {"x": 1}, update_state=True) == prefix
        assert evergraph.open_checkpoint(os.path.dirname(prefix) or ".")["x"] == 1
    assert 'model_checkpoint_path: "m"' in (tmp_path / "a/b/checkpoint").read_text()


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_durability(tmp_path: pathlib.Path, durability: Any) -> None:
    evergraph.save_checkpoint(tmp_path / "m", {"x": 1}, durability=durability)
    assert evergraph.open_checkpoint(tmp_path / "m")["x"] == 1
    with pytest.raises(errors.InvalidArgumentError):
        evergraph.save_checkpoint(tmp_path / "m", {"x": 1}, durability="some")  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------- real files


@pytest.mark.shared
def test_every_member_of_real_checkpoints(shared: pathlib.Path) -> None:
    for source in ("artifacts", "edge"):
        folder = shared / "data" / source
        for entry in json.loads((folder / "manifest.json").read_text())["artifacts"]:
            if entry["kind"] != "ckpt_v2":
                continue
            prefix = folder / entry["src"] / entry["main"]
            for member in [*(f["path"] for f in entry["files"]), entry["main"]]:
                with evergraph.open_checkpoint(folder / entry["src"] / member) as ckpt:
                    assert ckpt.prefix == str(prefix)
                    assert len(ckpt) > 0
                    assert all(info.nbytes >= 0 for info in ckpt.tensors)
