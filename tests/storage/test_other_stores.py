"""Other places than stores of objects: web servers, which are only read, names of the disk, archives and chains."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.storage import gfile
from evergraph.storage.filesystem import filesystem
from evergraph.storage.local import LOCAL

TENSORS = {
    "first": np.arange(50, dtype=np.float32),
    "large": np.arange(5 << 20, dtype=np.float32),  # fetched in parts
    "last": np.arange(7, dtype=np.int64),
}


@pytest.fixture(params=["ranges", "whole files"])
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A web server over ``tmp_path``; one that gives parts of files, and one that does not, as Python's own."""
    from flask import Flask, send_from_directory
    from werkzeug.serving import make_server

    app = Flask(__name__)

    @app.route("/<path:path>")
    def answer(path: str) -> Any:
        return send_from_directory(tmp_path, path, conditional=request.param == "ranges")

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def export(tmp_path: Path) -> None:
    """A checkpoint and a SavedModel of y = x w, with w = 2."""
    evergraph.save_checkpoint(tmp_path / "m" / "ck", TENSORS)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        w = tf.get_variable("w", initializer=2.0)
        session.run(w.initializer)
        tf.saved_model.simple_save(session, tmp_path / "export", {"x": x}, {"y": x * w})


@pytest.mark.usefixtures("export")
def test_from_a_web_server(web: str) -> None:
    for name in (*TENSORS, *reversed(TENSORS)):
        with evergraph.open_checkpoint(f"{web}/m/ck") as checkpoint:
            np.testing.assert_array_equal(checkpoint[name], TENSORS[name])
    with evergraph.load_model(f"{web}/export/saved_model.pb") as model:
        assert model(x=[3])["y"].tolist() == [6.0]
    with pytest.raises(errors.NotFoundError, match="There is no checkpoint"):
        evergraph.open_checkpoint(f"{web}/m/other")
    with pytest.raises(errors.UnimplementedError):
        evergraph.save_checkpoint(f"{web}/m/new", {"x": 1})


@pytest.mark.usefixtures("export")
def test_a_file_that_has_changed_on_a_web_server(web: str, tmp_path: Path) -> None:
    """Its new bytes are never taken for the old ones, whether parts or all of it come."""
    with evergraph.open_checkpoint(f"{web}/m/ck") as checkpoint:
        assert checkpoint["first"][1] == 1
        data = tmp_path / "m" / "ck.data-00000-of-00001"
        data.write_bytes(bytes(data.stat().st_size + 5))
        with pytest.raises(errors.DataLossError):
            checkpoint["large"]


@pytest.mark.parametrize("scheme", ["file", "local", "LOCAL"])
def test_names_of_the_disk(scheme: str, tmp_path: Path) -> None:
    prefix = evergraph.save_checkpoint(f"{scheme}://{tmp_path}/m/ck", TENSORS, update_state=True)
    assert prefix == f"{tmp_path}/m/ck"
    assert filesystem(f"{scheme}://{tmp_path}") is LOCAL
    with evergraph.open_checkpoint(f"{scheme}://{tmp_path}/m") as checkpoint:
        assert checkpoint["last"].tolist() == list(range(7))
    gfile.Rename(f"{scheme}://{tmp_path}/m", str(tmp_path / "n"))
    assert gfile.ListDirectory(f"{scheme}://{tmp_path}") == ["n"]


def test_what_is_not_served_is_said_and_not_taken_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("all.zip", "w") as archive:
        archive.writestr("m/ck.index", b"")
    for path, reason in (
        ("simplecache::memory://chained/ck", "chains stores"),
        ("simplecache::s3://bucket/ck", "chains stores"),
        ("zip://m/ck::all.zip", "unpack it"),
        (f"zip://m/ck::file://{tmp_path}/all.zip", "unpack it"),
        (f"zip://{tmp_path}/all.zip", "unpack it"),
    ):
        for attempt in (gfile.Exists, gfile.Stat, evergraph.open_checkpoint):
            with pytest.raises(errors.UnimplementedError, match=reason):
                attempt(path)
        with pytest.raises(errors.UnimplementedError, match=reason):
            evergraph.save_checkpoint(path, {"x": 1})
    assert gfile.ListDirectory(".") == ["all.zip"]


def test_two_colons_in_a_name(tmp_path: Path, remote: str) -> None:
    """They chain nothing where no scheme stands on both of their sides."""
    for folder in (str(tmp_path), remote):
        evergraph.save_checkpoint(f"{folder}/a::b/c::d.zip", {"x": 1})
        with evergraph.open_checkpoint(f"{folder}/a::b/c::d.zip") as checkpoint:
            assert checkpoint["x"] == 1
