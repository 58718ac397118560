"""Parts of paths, local and remote."""

from __future__ import annotations

import os

import pytest

from evergraph.storage import paths


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        ("a/b", "a", "b"),
        ("b", "", "b"),
        ("/b", "/", "b"),
        ("memory://b", "memory://", "b"),
        ("memory://a/b", "memory://a", "b"),
        ("memory://a/", "memory://a", ""),
        ("hdfs:///b", "hdfs:///", "b"),
        ("s3://bucket/a/b", "s3://bucket/a", "b"),
        ("a:/b", "a:", "b"),
    ],
)
def test_split(path: str, folder: str, name: str) -> None:
    assert paths.split(path) == (folder, name)
    assert os.path.join(folder, name) == path


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        ("s3://b/d/m", "s3://b/d", "m"),
        ("s3://b/d/e/../m", "s3://b/d/", "m"),
        ("s3://b/d/../m", "s3://b/d", None),
        ("s3://b/dd/m", "s3://b/d", None),
        ("gs://b/d/m", "s3://b/d", None),
        ("/b/d/m", "s3://b/d", None),
        ("s3://b/d", "s3://b/d", None),
        ("memory://m", "memory://", "m"),
        ("hdfs:///m", "hdfs:///", "m"),
        ("/d/m", "/d", "m"),
        ("/m", "/", "m"),
        ("d/./e/m", "d", "e/m"),
        ("m", "", "m"),
        ("../m", "", None),
    ],
)
def test_below(path: str, folder: str, inside: str | None) -> None:
    assert paths.below(path, folder) == inside


def test_absolute_and_joined() -> None:
    assert paths.absolute("a/../b") == os.path.join(os.getcwd(), "b")
    assert paths.absolute("s3://b/./d//m/..") == "s3://b/d"
    assert paths.absolute("memory://") == "memory://"
    assert [paths.is_absolute(p) for p in ("/a", "a", "s3://b")] == [True, False, True]
    assert paths.join("s3://b", "d") == "s3://b/d"
    assert paths.join("s3://b", "gs://c") == "gs://c"
