"""``gfile`` as stock TensorFlow 2.15's answers, except where the module says otherwise."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from evergraph import errors
from evergraph.storage import gfile


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "l").write_bytes(b"line1\nline2\r\n\xc3\xa9nd")
    return tmp_path


def tree() -> None:
    os.makedirs("m/n/o")
    for name in ("m/a.txt", "m/n/b.txt", "m/n/.hid", "m/[x]"):
        pathlib.Path(name).write_text("x")


# ------------------------------------------------------------------------------------------- GFile


def test_nothing_is_opened_before_the_first_use() -> None:
    missing = gfile.GFile("no")
    with pytest.raises(errors.NotFoundError, match="no; No such file or directory"):
        missing.read()
    with gfile.GFile("w2", "w"):
        pass
    assert not os.path.exists("w2")


def test_write_is_there_after_flush() -> None:
    file = gfile.GFile("w1", "w")
    file.write("abc")
    assert (os.path.exists("w1"), file.size(), file.tell()) == (True, 0, 3)
    file.flush()
    assert file.size() == 3
    file.close()


@pytest.mark.parametrize(
    ("mode", "content"), [("r", "line1\nline2\r\nénd"), ("rb", b"line1\nline2\r\n\xc3\xa9nd")]
)
def test_read_all(mode: str, content: Any) -> None:
    assert gfile.GFile("l", mode).read() == content
    assert gfile.GFile("l", mode).read(1000) == content


@pytest.mark.parametrize(
    ("mode", "lines"),
    [("r", ["line1\n", "line2\n", "énd"]), ("rb", [b"line1\n", b"line2\n", b"\xc3\xa9nd"])],
)
def test_lines_lose_the_carriage_return(mode: str, lines: list[Any]) -> None:
    assert gfile.GFile("l", mode).readlines() == lines
    assert list(gfile.GFile("l", mode)) == lines
    assert gfile.GFile("l", mode).next() == lines[0]


def test_seek_and_tell() -> None:
    file = gfile.GFile("l")
    assert (file.readline(), file.tell()) == ("line1\n", 6)
    file.seek(2)
    assert (file.read(3), file.tell()) == ("ne1", 5)
    file.seek(-2, 2)
    assert (file.read(), file.read(), file.readline()) == ("nd", "", "")
    file.seek(position=1)
    file.seek(1, 1)
    assert file.read(1) == "n"
    assert file.seekable()


def test_bad_seeks() -> None:
    file = gfile.GFile("l")
    with pytest.raises(errors.InvalidArgumentError, match="negative position: -1"):
        file.seek(-1)
    with pytest.raises(errors.OutOfRangeError, match="reached end of file"):
        file.seek(1000)
    with pytest.raises(errors.InvalidArgumentError, match="Valid values are 0, 1, or 2"):
        file.seek(1, 5)
    with pytest.raises(TypeError):
        file.seek()
    with pytest.raises(TypeError):
        file.seek(1, position=2)


def test_text_cut_inside_a_character() -> None:
    with pytest.raises(UnicodeDecodeError):
        gfile.GFile("l").read(14)


def test_modes_that_write() -> None:
    pathlib.Path("p").write_text("0123")
    with gfile.GFile("p", "a") as file:
        file.write("!!")
    assert pathlib.Path("p").read_text() == "0123!!"

    both = gfile.GFile("q", "w+")
    both.write("abc")
    both.flush()
    assert both.read() == "abc"
    both.write("de")
    both.flush()
    both.seek(0)
    assert both.read() == "abcde"
    both.close()

    with gfile.GFile("q", "a+") as file:
        assert file.read(2) == "ab"
        file.write("Q")
    assert pathlib.Path("q").read_text() == "abcdeQ"


def test_r_plus_keeps_the_content() -> None:
    pathlib.Path("p").write_text("0123456789")
    with gfile.GFile("p", "r+") as file:
        assert file.read(3) == "012"
        file.write("ZZ")
    assert pathlib.Path("p").read_text() == "012ZZ56789"
    with pytest.raises(errors.NotFoundError):
        gfile.GFile("none", "r+").write("x")


@pytest.mark.parametrize("content", ["é", "é".encode(), bytearray("é", "utf-8")])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_text_and_bytes_are_both_taken(content: Any, mode: str) -> None:
    with gfile.GFile("z", mode) as file:
        file.write(content)
    assert pathlib.Path("z").read_bytes() == b"\xc3\xa9"


@pytest.mark.parametrize("content", [None, 5, ["x"]])
def test_nothing_else_is_taken(content: Any) -> None:
    with pytest.raises(TypeError, match="Expected binary or unicode string"):
        gfile.GFile("z", "w").write(content)


def test_wrong_direction_and_bad_mode() -> None:
    with pytest.raises(errors.PermissionDeniedError, match="File isn't open for writing"):
        gfile.GFile("no").write("x")
    for mode in ("w", "a"):
        with pytest.raises(errors.PermissionDeniedError, match="File isn't open for reading"):
            gfile.GFile("l", mode).read()
    for mode in ("x", "rw", "U", ""):
        with pytest.raises(errors.InvalidArgumentError, match="mode is not 'r' or 'w'"):
            gfile.GFile("l", mode)


def test_other_failures_of_files() -> None:
    with pytest.raises(errors.NotFoundError, match=r"nodir/x; .*There is no folder 'nodir'"):
        gfile.GFile("nodir/x", "w").write("x")
    with pytest.raises(errors.NotFoundError):
        gfile.GFile("nono").size()
    with pytest.raises(errors.FailedPreconditionError, match="Is a directory"):
        gfile.GFile(".").read()


def test_a_closed_file_opens_again() -> None:
    file = gfile.GFile("l")
    assert file.read(2) == "li"
    file.close()
    assert file.read(2) == "li"


def test_names_and_kinds() -> None:
    assert (gfile.GFile("l").name, gfile.GFile("l").mode, gfile.GFile("l", "wb").mode) == (
        "l",
        "r",
        "wb",
    )
    assert gfile.Open is gfile.GFile
    assert gfile.FastGFile("l").read(1) == "l"
    assert set(gfile.__all__) <= set(dir(gfile))


# ----------------------------------------------------------------------------------------- folders


def test_exists_and_is_directory() -> None:
    assert [gfile.Exists(p) for p in ("l", ".", "no", "")] == [True, True, False, False]
    assert [gfile.IsDirectory(p) for p in ("l", ".", "no")] == [False, True, False]


def test_any_form_of_path(folder: pathlib.Path) -> None:
    assert gfile.Exists(pathlib.Path("l"))
    assert gfile.Exists(b"l")
    assert gfile.Exists(f"file://{folder}/l")
    assert gfile.GFile(pathlib.Path("l")).read(4) == "line"
    assert gfile.Glob(pathlib.Path("l")) == ["l"]
    with pytest.raises(TypeError, match="A path is text"):
        gfile.Exists(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="zero byte"):
        gfile.GFile("a\0b").read()


def test_make_folders() -> None:
    gfile.MkDir("d")
    gfile.MkDir("d")
    gfile.MakeDirs("m/n/o")
    gfile.MakeDirs("m/n/o")
    gfile.MakeDirs(os.path.dirname("bare.pb"))
    gfile.MkDir("")
    assert os.path.isdir("m/n/o")
    with pytest.raises(errors.NotFoundError, match="no folder 'x'"):
        gfile.MkDir("x/y")
    for path in ("l", "l/x"):
        with pytest.raises(errors.FailedPreconditionError):
            gfile.MakeDirs(path)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("m/*", ["m/[x]", "m/a.txt", "m/n"]),
        ("m/*/*", ["m/n/.hid", "m/n/b.txt", "m/n/o"]),
        (["m/*.txt", "m/n/?.txt"], ["m/a.txt", "m/n/b.txt"]),
        ("zz/*", []),
        ("m/a.txt", ["m/a.txt"]),
        ("m/", ["m/"]),
        ("m/[a-b].txt", ["m/a.txt"]),
        ("m/[^a].txt", []),
        ("m/[^b].txt", ["m/a.txt"]),
        ("m/[!a].txt", ["m/a.txt"]),
        (r"m/\[x\]", ["m/[x]"]),
        (r"m/[\[\]]x?", ["m/[x]"]),
        ("m/[[&]*", ["m/[x]"]),
        ("m/**", ["m/[x]", "m/a.txt", "m/n"]),
        ("m/n/.*", ["m/n/.hid"]),
        ("./m/*.txt", ["./m/a.txt"]),
        ("*", ["./l", "./m"]),
        ("m/*/", ["m/[x]", "m/a.txt", "m/n"]),
        ("m/{a,b}.txt", []),
        ("l/*", []),
        ("m/[a", []),
    ],
)
def test_glob(pattern: Any, found: list[str]) -> None:
    tree()
    assert gfile.Glob(pattern) == found


def test_glob_of_the_whole_path(folder: pathlib.Path) -> None:
    tree()
    assert gfile.Glob(f"{folder}/m/*.txt") == [f"{folder}/m/a.txt"]
    assert gfile.Glob("/*") == [f"/{name}" for name in sorted(os.listdir("/"))]
    with pytest.raises(errors.InvalidArgumentError, match="no pattern"):
        gfile.Glob("m/[z-a]")


def test_walk_and_list() -> None:
    tree()
    top = ("m", ["n"], ["[x]", "a.txt"])
    below = [("m/n", ["o"], [".hid", "b.txt"]), ("m/n/o", [], [])]
    assert list(gfile.Walk("m")) == [top, *below]
    assert list(gfile.Walk("m", in_order=False)) == [*below[::-1], top]
    assert list(gfile.Walk("no")) == list(gfile.Walk("l")) == []
    assert gfile.ListDirectory("m") == ["[x]", "a.txt", "n"]
    for path in ("no", "l"):
        with pytest.raises(errors.NotFoundError, match="Could not find directory"):
            gfile.ListDirectory(path)


def test_stat() -> None:
    found = gfile.Stat("l")
    assert (found.length, found.is_directory) == (17, False)
    assert found.mtime_nsec == os.stat("l").st_mtime_ns
    assert gfile.Stat(".").is_directory
    with pytest.raises(errors.NotFoundError):
        gfile.Stat("no")


def test_copy() -> None:
    gfile.Copy("l", "l2")
    assert pathlib.Path("l2").read_bytes() == pathlib.Path("l").read_bytes()
    with pytest.raises(errors.AlreadyExistsError, match="file already exists"):
        gfile.Copy("l", "l2")
    pathlib.Path("l").write_bytes(b"z" * 2_000_000)
    gfile.Copy(oldpath="l", newpath="l2", overwrite=True)
    gfile.Copy("l2", "l2", overwrite=True)
    assert pathlib.Path("l2").read_bytes() == b"z" * 2_000_000
    pathlib.Path("empty").touch()
    gfile.Copy("empty", "empty2")
    assert os.path.getsize("empty2") == 0


def test_copy_that_cannot_be() -> None:
    os.mkdir("m")
    with pytest.raises(errors.NotFoundError):
        gfile.Copy("no", "x")
    with pytest.raises(errors.NotFoundError):
        gfile.Copy("l", "nodir/x")
    with pytest.raises(errors.FailedPreconditionError, match="Is a directory"):
        gfile.Copy("m", "m2")
    with pytest.raises(errors.AlreadyExistsError):
        gfile.Copy("l", "m")
    with pytest.raises(errors.FailedPreconditionError, match="copy's own name"):
        gfile.Copy("l", "m", overwrite=True)
    assert sorted(os.listdir(".")) == ["l", "m"]


def test_rename() -> None:
    tree()
    gfile.Rename("l", "l2")
    gfile.Rename("m", "mm")
    assert os.path.isdir("mm/n")
    pathlib.Path("l").write_text("new")
    with pytest.raises(errors.AlreadyExistsError):
        gfile.Rename(oldname="l", newname="l2")
    gfile.Rename("l", "l2", overwrite=True)
    assert pathlib.Path("l2").read_text() == "new"
    with pytest.raises(errors.NotFoundError, match="Nearest names there: 'l2'"):
        gfile.Rename("l22", "y")
    with pytest.raises(errors.FailedPreconditionError):
        gfile.Rename("l2", "mm", overwrite=True)


def test_remove() -> None:
    tree()
    gfile.Remove("l")
    with pytest.raises(errors.NotFoundError):
        gfile.Remove("l")
    with pytest.raises(errors.FailedPreconditionError, match="Is a directory"):
        gfile.Remove("m")
    gfile.DeleteRecursively("m")
    assert os.listdir(".") == []
    with pytest.raises(errors.NotFoundError):
        gfile.DeleteRecursively("m")
    pathlib.Path("f").touch()
    gfile.DeleteRecursively("f")
    assert not os.path.exists("f")


def test_a_link_to_a_folder_is_removed_not_followed() -> None:
    tree()
    os.symlink("m", "link")
    gfile.DeleteRecursively("link")
    assert os.path.exists("m/a.txt")
    os.symlink("m", "link")
    gfile.Remove("link")
    assert os.path.exists("m/a.txt")
