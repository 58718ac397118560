"""``gfile``, ``tf.io.gfile`` and the file ops on a disk: one program, run by TensorFlow and by evergraph.

Each line of the program is one call. What it gives, or the class of the error that it raises, is compared; what
stands in `DIFFERENT` is meant to differ, and the docstring of `storage.gfile` says so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from evergraph import tf1
from tests.oracle.client import Oracle
from tests.oracle.nodes import built, differences

pytestmark = pytest.mark.oracle

MAIN = r"""
import os

def main(tf, np, folder, lines):
    tf = getattr(tf, "compat", tf).v1 if hasattr(tf, "compat") and hasattr(tf.compat, "v1") else tf
    before = os.getcwd()
    os.chdir(folder)
    try:
        return [outcome(tf, np, line) for line in lines]
    finally:
        os.chdir(before)

NAMES = {"os": os}

def outcome(tf, np, line):
    NAMES.update(tf=tf, np=np, g=tf.gfile, v2=tf.io.gfile, GFile=tf.gfile.GFile, run=lambda make: run(tf, make))
    try:
        try:
            value = eval(line, NAMES)
        except SyntaxError:
            exec(line, NAMES)
            value = None
    except TypeError:
        return "TypeError"
    except tf.errors.OpError as error:
        return "error " + str(error.error_code)
    except (ValueError, StopIteration) as error:
        return type(error).__name__
    return plain(value)

def run(tf, make):
    with tf.Graph().as_default(), tf.Session() as session:
        result = session.run(make())
    return result.tolist() if hasattr(result, "tolist") else result

def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if hasattr(value, "mtime_nsec"):
        return [value.length if not value.is_directory else 0, value.is_directory, value.mtime_nsec > 10**18]
    if hasattr(value, "__next__"):
        return [plain(part) for part in value]
    if value is None or isinstance(value, (str, bytes, int, float, bool)):
        return value
    return type(value).__name__
"""

PROGRAM = r"""
g.MakeDirs("m/n/o")
g.MakeDirs("m/n/o")
g.MkDir("d")
g.MkDir("d")
g.MkDir("x/y")
f = GFile("m/a.txt", "w"); f.write("one\ntwo\r\nthree"); f.close()
f = GFile("m/n/b.txt", "wb"); f.write(b"\xc3\xa9\x00\xff"); f.close()
f = GFile("m/n/.hid", "w"); f.write(""); f.close()
f = GFile("m/[x]", "w"); f.write("b"); f.close()
GFile("m/a.txt").read()
GFile("m/a.txt", "rb").read()
GFile("m/a.txt").readlines()
GFile("m/a.txt", "rb").readlines()
list(GFile("m/a.txt"))
GFile("m/a.txt").read(5)
GFile("m/a.txt").read(500)
GFile("m/a.txt").read(0)
GFile("m/a.txt").size()
GFile("m/a.txt").tell()
GFile("m/n/b.txt", "rb").read()
GFile("m/n/b.txt").read()
GFile("m/a.txt").next()
GFile("m/n/.hid").next()
GFile("m/n/.hid").read()
GFile("m/n/.hid").readline()
f = GFile("m/a.txt")
f.readline(), f.tell(), f.read(2), f.tell()
f.seek(4), f.read(3), f.tell()
f.seek(-2, 2), f.read()
f.seek(0), f.seek(2, 1), f.read(1)
f.seek(offset=1, whence=0), f.read(1)
f.seek(position=2), f.read(1)
f.seek()
f.seek(1, position=1)
f.seek(1, 7)
f.seek(-1)
f.seek(10000)
f.seekable(), f.name, f.mode
f.close(), f.read(3)
f.write("x")
GFile("m/a.txt", "w").read()
GFile("m/a.txt", "a").read()
GFile("m/a.txt", "x")
GFile("m/a.txt", "rt")
GFile("m/a.txt", "")
GFile("m/a.txt", "rbb").read(1)
GFile("m/a.txt", "br").read(1)
GFile("no").read()
GFile("no").size()
GFile("no/file", "w").write("x")
GFile("m").read()
GFile("m", "w").write("x")
GFile("never", "w").close(), g.Exists("never")
f = GFile("w", "w"); f.write("abc"); f.tell()
f.size()
f.flush(), f.size()
f.write(b"d"), f.close(), GFile("w").read()
f = GFile("w", "a"); f.write("ef"); f.close(); GFile("w").size()
GFile("w").read()
f = GFile("w", "a+"); f.write("g"); f.flush(); f.read()
f.close()
f = GFile("w2", "w+"); f.write("abc"); f.flush(); f.read()
f.close()
f = GFile("w2", "w"); f.write(5)
f.write(None)
f.write("é"), f.close(), GFile("w2", "rb").read()
g.FastGFile("w").read(2), g.Open("w").read(2)
g.FastGFile("w", "rb").read(2)
g.Exists("m"), g.Exists("m/a.txt"), g.Exists("no"), g.Exists(""), g.Exists("m/a.txt/x")
g.IsDirectory("m"), g.IsDirectory("m/a.txt"), g.IsDirectory("no"), g.IsDirectory("m/")
g.ListDirectory("no")
g.ListDirectory("m/a.txt")
sorted(g.ListDirectory("m"))
sorted(g.ListDirectory("m/"))
g.ListDirectory("d")
g.Stat("m/a.txt")
g.Stat("m")
g.Stat("no")
sorted((a, sorted(b), sorted(c)) for a, b, c in g.Walk("m"))
[a for a, b, c in g.Walk("m", in_order=False)]
[a for a, b, c in g.Walk("m/n", True)]
list(g.Walk("no"))
list(g.Walk("m/a.txt"))
sorted(g.Glob("m/*"))
sorted(g.Glob("m/*/*"))
sorted(g.Glob(["m/*.txt", "m/n/*.txt"]))
g.Glob("zz/*")
g.Glob("m/a.txt")
g.Glob("no")
g.Glob("m/[a-b].txt")
g.Glob("m/[^a].txt")
g.Glob("m/\\[x\\]")
g.Glob("m/n/.*")
g.Glob("m/?.txt")
g.Glob("./m/*.txt")
sorted(g.Glob("m*"))
sorted(g.Glob("m/**"))
g.Glob("m/{a,b}.txt")
g.Glob("m/a.txt/*")
g.Glob([])
g.Glob("m/[a")
g.Copy("m/a.txt", "c1"), GFile("c1").size()
g.Copy("m/a.txt", "c1")
g.Copy("w", "c1", overwrite=True), GFile("c1").read()
g.Copy(oldpath="w", newpath="c2")
g.Copy("no", "c3")
g.Copy("m", "c3")
g.Remove("c3") if g.Exists("c3") else None
g.Copy("w", "no/c3")
g.Copy("w", "m")
g.Copy("w", "m", overwrite=True)
g.Copy("m/n/.hid", "c4"), GFile("c4").size()
g.Rename("c1", "r1"), g.Exists("c1"), g.Exists("r1")
g.Rename("c2", "r1")
g.Rename(oldname="c2", newname="r1", overwrite=True), g.Exists("c2")
g.Rename("no", "r2")
g.Rename("r1", "no/r2")
g.Rename("r1", "m", overwrite=True)
g.Rename("m", "mm"), sorted(g.ListDirectory("mm"))
g.Rename("mm", "m")
g.Rename("d", "m")
g.Rename("d", "m", overwrite=True)
g.Remove("r1"), g.Exists("r1")
g.Remove("r1")
g.Remove("m")
g.MakeDirs("m/a.txt")
g.MakeDirs("m/a.txt/x")
g.MkDir("m/a.txt")
g.DeleteRecursively("m/n"), g.Exists("m/n")
g.DeleteRecursively("m/n")
g.DeleteRecursively("c4"), g.Exists("c4")
v2.exists("m"), v2.isdir("m"), sorted(v2.listdir("m")), v2.stat("w").length
v2.copy("w", "v1"), v2.copy("w", "v1", overwrite=True)
v2.copy("w", "v1")
v2.copy(src="w", dst="v1")
v2.rename("v1", "v2x"), v2.exists("v1")
v2.rename(src="v2x", dst="w", overwrite=False)
v2.makedirs("p/q/r"), v2.mkdir("p/s"), sorted(v2.listdir("p"))
v2.glob("p/*") == sorted(v2.glob("p/*")) or sorted(v2.glob("p/*"))
sorted(v2.glob(["p/*", "m/*.txt"]))
sorted((a, sorted(b), c) for a, b, c in v2.walk("p"))
[a for a, b, c in v2.walk("p/q", topdown=False)]
list(v2.walk("no"))
v2.remove("v2x"), v2.remove("p")
v2.rmtree("p"), v2.exists("p")
v2.rmtree("p")
v2.join("a", "b", "c"), v2.join("s3://a", "b"), v2.join("a", "/b"), v2.join("/a/", "b")
v2.GFile("w", "rb").read(2)
set(["", "file", "ram"]) <= set(v2.get_registered_schemes())
g.Exists("file://" + os.path.abspath("w")), GFile("file://" + os.path.abspath("w")).read(2)
GFile("nope://x/y").read()
g.Exists("nope://x/y")
g.Copy("w", "nope://x/y")
run(lambda: tf.read_file("w"))
run(lambda: tf.io.read_file("m"))
run(lambda: tf.read_file("no"))
run(lambda: tf.read_file(["w"]))
run(lambda: tf.write_file("new/folder/file", "hi")), GFile("new/folder/file").read()
run(lambda: tf.write_file("new/folder/file", "ho")), GFile("new/folder/file").read()
run(lambda: tf.write_file("m", "hi"))
run(lambda: tf.write_file("w/x", "hi"))
run(lambda: tf.write_file(["w"], "hi"))
run(lambda: tf.matching_files("m/*"))
run(lambda: tf.io.matching_files(["m/*", "new/*", "m/a.*"]))
run(lambda: tf.matching_files("no/*"))
run(lambda: tf.matching_files([["no/*"]]))
run(lambda: tf.matching_files("*"))
"""

#: line -> why evergraph answers otherwise.
DIFFERENT = {
    'g.Copy("m", "c3")': "TensorFlow says InvalidArgument, and leaves an empty file",
    'g.MkDir("m/a.txt")': "TensorFlow says nothing, and there is no folder",
}


def test_one_program(oracle: Oracle, tmp_path: Path) -> None:
    lines = [line for line in PROGRAM.splitlines() if line]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    namespace: dict[str, Any] = {}
    exec(MAIN, namespace)
    mine = namespace["main"](tf1, None, str(ours), lines)
    stock = oracle.execute(MAIN, folder=str(theirs), lines=lines)
    found = {
        line: (a, b)
        for line, a, b in zip(lines, mine, stock, strict=True)
        if _without(a, ours) != _without(b, theirs)
    }
    assert found.keys() == DIFFERENT.keys(), "\n".join(
        f"{line}\n    {a!r}\n    TensorFlow: {b!r}" for line, (a, b) in found.items()
    )


def _without(value: Any, folder: Path) -> str:
    return repr(value).replace(os.fspath(folder), "")


def test_nodes(tf215: Oracle) -> None:
    program = """
    name = tf.placeholder(tf.string, name="name")
    contents = tf.read_file(name)
    tf.io.read_file("x", name="r")
    tf.write_file("y", contents)
    tf.io.write_file(filename="y", contents="z", name="w")
    tf.matching_files("*")
    tf.io.matching_files(["a*", "b*"], name="m")
    """
    assert differences(*built(program, tf215)) == []
