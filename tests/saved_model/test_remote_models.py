"""SavedModels in remote stores: written and loaded as on a disk, and there when ``saved_model.pb`` is."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.cli.app import app
from evergraph.formats.graph_file import read_saved_model
from evergraph.lookup.vocabularies import index_table_from_file
from evergraph.saved_model.assets import asset_paths
from evergraph.storage import gfile
from tests.storage.store_server import Answer, Request, StoreServer

LARGE = np.arange(5 << 20, dtype=np.float32)  # an upload of several parts
SMALL = LARGE[:100]
WORDS = ["b", "a", "zz"]
WHOLE = {
    "saved_model.pb",
    "assets/words.txt",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
}


@pytest.fixture
def session() -> Iterator[Any]:
    """A session of y = x w, with w = 2."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        w = tf.get_variable("w", initializer=2.0)
        tf.multiply(x, w, name="y")
        session.run(tf.global_variables_initializer())
        yield session


def simple(session: Any) -> dict[str, Any]:
    tensor = session.graph.get_tensor_by_name
    return {"inputs": {"x": tensor("x:0")}, "outputs": {"y": tensor("y:0")}}


def files_in(folder: str) -> set[str]:
    walked = gfile.Walk(folder)
    return {f"{place}/{name}"[len(folder) + 1 :] for place, _, names in walked for name in names}


def put(path: str, content: str) -> str:
    with gfile.GFile(path, "w") as file:
        file.write(content)
    return path


def builder_of(target: str, source: str, value: Any = 3.0) -> Any:
    """A builder of a model with a variable, a table filled from an asset, and a second graph."""
    builder = tf.saved_model.Builder(target)
    with tf.Graph().as_default(), tf.Session() as session:
        path = tf.constant(put(source, "a\nb\n"), name="path")
        w = tf.Variable(value, name="w")
        words = tf.placeholder(tf.string, [None], name="words")
        ids = tf.identity(index_table_from_file(path).lookup(words), name="ids")
        session.run(tf.global_variables_initializer())
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": tf.saved_model.predict_signature_def(
                    {"words": words}, {"w": w, "ids": ids}
                )
            },
            assets_collection=[path],
            main_op=tf.tables_initializer(),
        )
    with tf.Graph().as_default():
        tf.Variable(value, name="w")
        builder.add_meta_graph(["train"])
    gfile.Remove(source)
    return builder


def check_loads(folder: str, value: Any = 3.0) -> None:
    """All that is in the model, by each way to load it."""
    for tags in ("serve", "train"):
        with tf.Session(graph=tf.Graph()) as session:
            tf.saved_model.load(session, [tags], folder)
            np.testing.assert_array_equal(session.run("w:0"), value)
            if tags == "serve":
                assert session.run("ids:0", {"words:0": WORDS}).tolist() == [1, 0, -1]
    with evergraph.load_model(folder, tags=["serve"]) as model:
        found = model(words=WORDS)
        np.testing.assert_array_equal(found["w"], value)
        assert found["ids"].tolist() == [1, 0, -1]


def is_there(folder: str, value: Any = LARGE) -> bool:
    """Whether the model is there; then all of it has to be."""
    if not tf.saved_model.maybe_saved_model_directory(folder):
        with pytest.raises(errors.NotFoundError):
            tf.saved_model.load(tf.Session(graph=tf.Graph()), ["serve"], folder)
        return False
    check_loads(folder, value)
    return True


# ------------------------------------------------------------------------------------ what is there


def test_what_is_exported_is_loaded(remote: str) -> None:
    folder = f"{remote}/export/1"
    builder = builder_of(folder, f"{remote}/src/words.txt")
    assert not gfile.Exists(folder)
    assert builder.save() == f"{folder}/saved_model.pb".encode()
    assert files_in(folder) == WHOLE
    assert files_in(f"{remote}/export") == {f"1/{name}" for name in WHOLE}
    for path in (folder, folder + "/"):
        check_loads(path)
    for path in (f"{remote}/export", f"{folder}/saved_model.pb"):  # the newest version; the file
        with evergraph.load_model(path, tags=["serve"]) as model:
            assert model(words=WORDS)["ids"].tolist() == [1, 0, -1]
    with evergraph.open_checkpoint(folder) as checkpoint:
        assert checkpoint["w"] == 3.0


def test_the_same_bytes_as_on_a_disk(remote: str, tmp_path: Path) -> None:
    for folder in (remote, str(tmp_path)):
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [None], name="x")
            w = tf.get_variable("w", initializer=2.0)
            session.run(w.initializer)
            tf.saved_model.simple_save(session, f"{folder}/export", {"x": x}, {"y": x * w})
    names = files_in(f"{remote}/export")
    assert names == WHOLE - {"assets/words.txt"} == files_in(str(tmp_path / "export"))
    for name in names:
        there = gfile.GFile(f"{remote}/export/{name}", "rb").read()
        assert there == (tmp_path / "export" / name).read_bytes()
    with evergraph.load_model(f"{remote}/export") as model:
        assert model(x=[1, 2])["y"].tolist() == [2, 4]


def test_as_text_and_again_with_more(session: Any, remote: str) -> None:
    builder = tf.saved_model.Builder(f"{remote}/export")
    builder.add_meta_graph_and_variables(session, ["a"])
    builder.save()
    asset = tf.constant(put(f"{remote}/more.txt", "more"))
    builder.add_meta_graph(["b"], assets_collection=[asset])
    builder.save()
    builder.save(as_text=True)
    whole = WHOLE - {"assets/words.txt"} | {"assets/more.txt", "saved_model.pbtxt"}
    assert files_in(remote) == {f"export/{name}" for name in whole} | {"more.txt"}
    for name in ("saved_model.pb", "saved_model.pbtxt"):
        metas = read_saved_model(f"{remote}/export/{name}").meta_graphs
        assert [list(meta.meta_info_def.tags) for meta in metas] == [["a"], ["b"]]
    gfile.Remove(f"{remote}/export/saved_model.pb")
    with tf.Session(graph=tf.Graph()) as other:
        tf.saved_model.load(other, ["b"], f"{remote}/export")
        assert other.run("w:0") == 2.0


def test_sharded_variables(session: Any, remote: str) -> None:
    with tf.device("/cpu:1"):
        v = tf.Variable(5.0, name="v")
    session.run(v.initializer)
    builder = tf.saved_model.Builder(f"{remote}/export")
    builder.add_meta_graph_and_variables(session, ["a"], saver=tf.train.Saver(sharded=True))
    builder.save()
    data = {f"variables/variables.data-{shard:05d}-of-00002" for shard in range(2)}
    assert files_in(remote) == {
        f"export/{name}" for name in {"saved_model.pb", "variables/variables.index", *data}
    }
    with tf.Session(graph=tf.Graph()) as other:
        tf.saved_model.load(other, ["a"], f"{remote}/export")
        assert other.run(["v:0", "w:0"]) == [5.0, 2.0]


def test_assets_from_another_store(session: Any, remote: str, tmp_path: Path) -> None:
    """Two of one name: one of this machine's, one of a store."""
    (tmp_path / "words.txt").write_text("here")
    sources = [str(tmp_path / "words.txt"), put(f"{remote}/words.txt", "there")]
    for folder in (f"{remote}/export", str(tmp_path / "export")):
        builder = tf.saved_model.Builder(folder)
        paths = [tf.constant(source) for source in sources]
        builder.add_meta_graph_and_variables(session, ["a"], assets_list=paths)
        builder.save()
        texts = [gfile.GFile(f"{folder}/assets/words.txt{end}").read() for end in ("", "_1")]
        assert texts == ["here", "there"]


def test_an_asset_that_leads_out_of_the_model(session: Any, remote: str) -> None:
    path = tf.constant(put(f"{remote}/words.txt", "mine"))
    builder = tf.saved_model.Builder(f"{remote}/export")
    builder.add_meta_graph_and_variables(session, ["a"], assets_list=[path])
    builder.save()
    (meta,) = read_saved_model(f"{remote}/export").meta_graphs
    for inside in ("words.txt", "a/../words.txt", "..words.txt"):
        meta.asset_file_def[0].filename = inside
        for follow_links in (False, True):
            found = asset_paths(f"{remote}/export", meta, follow_links=follow_links)
            assert list(found.values()) == [f"{remote}/export/assets/{inside}"]
    for outside in ("../../words.txt", "../variables", "../assets2/x", "/etc/passwd"):
        meta.asset_file_def[0].filename = outside
        for follow_links in (False, True):
            with pytest.raises(errors.PermissionDeniedError, match="lies outside"):
                asset_paths(f"{remote}/export", meta, follow_links=follow_links)


def test_inspect_verify_and_what_is_missing(remote: str) -> None:
    builder_of(f"{remote}/export/1", f"{remote}/words.txt").save()
    shown = CliRunner().invoke(app, ["inspect", f"{remote}/export/1", "--json"])
    assert shown.exit_code == 0, shown.output
    facts = json.loads(shown.output)
    assert [meta["tags"] for meta in facts["meta_graphs"]] == [["serve"], ["train"]]
    assert [tensor["name"] for tensor in facts["variables"]["tensors"]] == ["w"]
    verified = CliRunner().invoke(app, ["verify", f"{remote}/export/1"])
    assert (verified.exit_code, "whole" in verified.output) == (0, True)
    with pytest.raises(errors.NotFoundError, match="It holds versions of one \\(1\\)"):
        tf.saved_model.load(tf.Session(graph=tf.Graph()), ["serve"], f"{remote}/export")
    with pytest.raises(RuntimeError, match="could not be found"):
        tf.saved_model.load(tf.Session(graph=tf.Graph()), ["gpu"], f"{remote}/export/1")


def test_a_model_at_the_root_of_a_store(session: Any) -> None:
    try:
        tf.saved_model.simple_save(session, "memory://at-the-root", **simple(session))
        assert files_in("memory://at-the-root") == WHOLE - {"assets/words.txt"}
        gfile.Rename("memory://at-the-root/saved_model.pb", "memory://saved_model.pb")
        gfile.Rename("memory://at-the-root/variables", "memory://variables")
        with evergraph.load_model("memory://saved_model.pb") as model:
            assert model(x=[3])["y"].tolist() == [6]
    finally:
        for name in ("at-the-root", "variables", "saved_model.pb"):
            if gfile.Exists(f"memory://{name}"):
                gfile.DeleteRecursively(f"memory://{name}")


# --------------------------------------------------------------------------------- what is refused


def test_a_folder_with_files_is_refused(session: Any, remote: str) -> None:
    put(f"{remote}/export/notes.txt", "mine")
    for target in ("export", "export/", "export/notes.txt"):
        with pytest.raises(AssertionError, match="already exists, and isn't empty"):
            tf.saved_model.simple_save(session, f"{remote}/{target}", **simple(session))
    assert files_in(remote) == {"export/notes.txt"}


def test_what_a_killed_export_left_is_no_obstacle(session: Any, remote: str) -> None:
    left = put(f"{remote}/export/.evergraph-0123/new/variables/variables.index", "x")
    tf.saved_model.simple_save(session, f"{remote}/export", **simple(session))
    assert files_in(f"{remote}/export") == {
        *(WHOLE - {"assets/words.txt"}),
        left[len(f"{remote}/export/") :],
    }
    with evergraph.load_model(f"{remote}/export") as model:
        assert model(x=[3])["y"].tolist() == [6]


def test_the_folder_appears_in_the_meantime(session: Any, remote: str) -> None:
    """Other files of a program stay; another model is not written over."""
    first, second = (tf.saved_model.Builder(f"{remote}/export") for _ in range(2))
    first.add_meta_graph_and_variables(session, ["first"])
    second.add_meta_graph_and_variables(session, ["second"])
    put(f"{remote}/export/assets.extra/notes.txt", "mine")
    first.save()
    whole = WHOLE - {"assets/words.txt"} | {"assets.extra/notes.txt"}
    with pytest.raises(errors.AlreadyExistsError, match="in the meantime"):
        second.save()
    del second
    gc.collect()
    assert files_in(remote) == {f"export/{name}" for name in whole}
    (meta,) = read_saved_model(f"{remote}/export").meta_graphs
    assert list(meta.meta_info_def.tags) == ["first"]


def test_a_builder_that_is_given_up_leaves_nothing(session: Any, remote: str) -> None:
    def export() -> None:
        builder = tf.saved_model.Builder(f"{remote}/export")
        builder.add_meta_graph_and_variables(session, ["serve"])
        assert any(".evergraph-" in name for name in files_in(remote))
        with pytest.raises(TypeError, match="must be a Tensor"):
            builder.add_meta_graph(["train"], assets_collection=["words.txt"])

    export()
    gc.collect()
    assert files_in(remote) == set()


def test_a_program_that_ends_before_it_saves_leaves_nothing(
    bucket: str, server: StoreServer
) -> None:
    program = f"""
import evergraph.tf1 as tf
with tf.Session() as session:
    session.run(tf.Variable(1.0).initializer)
    builder = tf.saved_model.Builder({bucket + "/export"!r})
    builder.add_meta_graph_and_variables(session, ["serve"])
    assert tf.gfile.Glob({bucket + "/.evergraph-*/export/variables/*"!r})
"""
    environment = {**os.environ, **server.environment}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert files_in(bucket) == set()


def test_uninitialized_variables_are_not_exported(remote: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("w", [2])
        x = tf.placeholder(tf.float32)
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized"):
            tf.saved_model.simple_save(session, f"{remote}/export", {"x": x}, {"y": x})
    gc.collect()
    assert not gfile.Exists(f"{remote}/export")


# ---------------------------------------------------------------------------------- what may fail


def test_the_model_file_comes_last(bucket: str, server: StoreServer) -> None:
    builder = builder_of(f"{bucket}/export", f"{bucket}/words.txt")
    server.requests.clear()
    builder.save()
    made = [request.key for request in server.requests if request.makes]
    home = bucket.partition("://")[2].partition("/")[2] + "/export/"
    in_place = [key.removeprefix(home) for key in made if key.startswith(home)]
    assert sorted(in_place) == sorted(WHOLE)
    assert in_place[-1] == "saved_model.pb"


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("name", [*sorted(WHOLE), "the file that comes last, in its first place"])
def test_a_member_that_cannot_be_put_in_place(
    bucket: str, server: StoreServer, name: str, lost: bool
) -> None:
    """The store refuses it, or takes it and loses the answer."""
    folder = f"{bucket}/export"
    builder = builder_of(folder, f"{bucket}/words.txt", SMALL)

    def refuse(request: Request) -> Answer | None:
        staged = ".evergraph-" in request.key
        refused = staged if name not in WHOLE else not staged and request.key.endswith(name)
        return Answer(lost=lost) if request.makes and refused else None

    with server.failing(refuse), pytest.raises(errors.PermissionDeniedError):
        builder.save()
    is_last = name == "saved_model.pb"
    assert is_there(folder, SMALL) == (is_last and lost)
    assert files_in(folder) == (WHOLE - (set() if lost else {name}) if is_last else set())
    builder.save()
    assert is_there(folder, SMALL)
    assert files_in(bucket) == {f"export/{each}" for each in WHOLE}


def test_killed_before_any_request(bucket: str, server: StoreServer) -> None:
    """From its n-th request on nothing of a save arrives, as when it is killed; for every n."""
    seen = []
    for allowed in itertools.count():
        folder = f"{bucket}/{allowed}/export"
        builder = builder_of(folder, f"{bucket}/{allowed}/words.txt", SMALL)
        arrived = itertools.count()
        with server.failing(lambda _: None if next(arrived) < allowed else Answer()):  # noqa: B023
            with contextlib.suppress(errors.OpError):
                builder.save()
            refused = next(arrived) > allowed
            del builder
            gc.collect()  # what is given up cannot be removed: nothing arrives any more
        seen.append(is_there(folder, SMALL))
        if not refused:
            break
    assert set(seen) == {False, True}
    assert (seen[0], seen[-1]) == (False, True)


def test_what_cannot_be_removed_is_left(
    bucket: str, server: StoreServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may write and not delete has a whole model, and is told what is left over."""
    builder = builder_of(f"{bucket}/export", f"{bucket}/words.txt", LARGE)
    with server.failing(lambda r: Answer() if r.kind == "delete" else None):
        builder.save()
    assert is_there(f"{bucket}/export")
    assert files_in(f"{bucket}/export") == WHOLE
    assert "is left over and could not be removed" in caplog.text


def test_what_may_not_be_read_is_not_missing(bucket: str, server: StoreServer) -> None:
    builder_of(f"{bucket}/export", f"{bucket}/words.txt").save()
    with server.failing(lambda request: Answer()):
        for attempt in (
            evergraph.load_model,
            read_saved_model,
            tf.saved_model.maybe_saved_model_directory,
            tf.saved_model.Builder,
        ):
            with pytest.raises(errors.PermissionDeniedError):
                attempt(f"{bucket}/export")
