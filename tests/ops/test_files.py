"""Files as ops: read, written, matched, in a graph that may and one that may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.runtime.session import Session


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with tf.Graph().as_default():
        yield tmp_path


def run(fetch: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        return session.run(fetch, feeds)


def test_what_is_written_is_read() -> None:
    content = bytes(range(256))
    path = tf.placeholder(tf.string)
    written = tf.write_file(path, tf.constant(content))
    with tf.control_dependencies([written]):
        contents = tf.read_file(path)
    for name in ("new/folder/file", "bare", "memory://files/of/ops"):
        assert run(contents, {path: name}) == content
    assert Path("new/folder/file").read_bytes() == content


def test_a_file_is_read_anew_in_every_run() -> None:
    contents = tf.read_file("file")
    assert contents.shape == ()
    with tf.Session() as session:
        for text in ("one", "two"):
            Path("file").write_text(text)
            assert session.run(contents) == text.encode()
        os.remove("file")
        with pytest.raises(errors.NotFoundError, match="file; No such file"):
            session.run(contents)


def test_names_that_match() -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt"):
        run(tf.write_file(name, ""))
    matching = tf.matching_files("*.txt")
    assert matching.shape.as_list() == [None]
    assert run(matching).tolist() == [b"./a.txt", b"./b.txt"]
    patterns = tf.placeholder(tf.string)
    assert run(tf.matching_files(patterns), {patterns: ["sub/*", "b*", "no/*"]}).tolist() == [
        b"./b.txt",
        b"sub/c.txt",
    ]
    with pytest.raises(errors.InvalidArgumentError, match="scalar or vector"):
        run(tf.matching_files(patterns), {patterns: [["x"]]})


def test_what_cannot_be() -> None:
    os.mkdir("d")
    for fetch in (tf.read_file("d"), tf.write_file("d", "x"), tf.write_file("d", "x")):
        with pytest.raises(errors.FailedPreconditionError, match="Is a directory"):
            run(fetch)
    vector = tf.placeholder(tf.string)
    for fetch in (
        tf.read_file(vector),
        tf.write_file(vector, "x"),
        tf.write_file("never", vector),
    ):
        with pytest.raises(errors.InvalidArgumentError, match="must be scalar"):
            run(fetch, {vector: ["a"]})
    for make in (
        lambda: tf.read_file(["a"]),
        lambda: tf.write_file(["a"], "x"),
        lambda: tf.write_file("a", ["x"]),
        lambda: tf.matching_files([["a"]]),
    ):
        with pytest.raises(ValueError, match="rank"):
            make()
    assert os.listdir(".") == ["d"]


def test_only_where_it_is_allowed(folder: Path) -> None:
    Path("secret").write_text("s")
    fetches = [tf.read_file("secret"), tf.matching_files("*"), tf.write_file("made", "x")]
    with Session() as session:
        session.limit(capabilities=frozenset(), seconds=None)
        for fetch in fetches:
            with pytest.raises(errors.PermissionDeniedError, match="capability 'files'"):
                session.run(fetch)
        session.limit(capabilities=frozenset({"files"}), seconds=None)
        assert session.run(fetches[0]) == b"s"
    tf.train.write_graph(tf.get_default_graph(), str(folder), "g.pb", as_text=False)
    with (
        evergraph.load_model("g.pb", outputs="ReadFile") as model,
        pytest.raises(errors.PermissionDeniedError),
    ):
        model()
    with evergraph.load_model("g.pb", outputs="ReadFile", allow={"files"}) as model:
        assert model()["ReadFile"] == b"s"
