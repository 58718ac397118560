"""``evergraph run``: a program sees what it would see under python."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from evergraph import errors
from tests.programs.runner import evergraph_run


@pytest.fixture
def write(tmp_path: Path):
    def make(source: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    return make


def test_the_program_sees_what_it_would_see_under_python(write) -> None:
    write("value = 5\n", "beside.py")
    program = write(
        """
        import os, sys, pickle
        import beside
        print(sys.argv, __name__, os.path.basename(__file__), beside.value)
        print(os.path.basename(sys.path[0]) == os.path.basename(os.path.dirname(os.path.abspath(__file__))))
        class Here: pass
        print(type(pickle.loads(pickle.dumps(Here()))) is Here, sys.modules["__main__"].Here is Here)
        """
    )
    arguments = ["a", "--flag", "-x", "--help", "--", "--version"]
    done = evergraph_run(program, *arguments)
    plain = subprocess.run(
        [sys.executable, program, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout == plain.stdout
    assert done.stderr == ""


def test_tensorflow_is_evergraph(write) -> None:
    program = write(
        """
        import tensorflow as tf
        flags = tf.app.flags
        flags.DEFINE_integer("steps", 3, "How many.")
        def main(argv):
            print(tf.__name__, flags.FLAGS.steps, argv[1:])
            with tf.Session() as session:
                print(session.run(tf.constant(2) * 3))
        if __name__ == "__main__":
            tf.app.run()
        """
    )
    done = evergraph_run(program, "--steps=7", "rest")
    assert done.stdout.splitlines() == ["evergraph.tf1 7 ['rest']", "6"]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("sys.exit(7)", 7, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit('the end')", 1, "the end\n"),
        ("raise KeyboardInterrupt", 130, None),
        ("raise ValueError('x')", 1, None),
    ],
)
def test_exit_codes(write, end: str, code: int, said: str | None) -> None:
    done = evergraph_run(write(f"import sys\n{end}\n"))
    assert done.returncode == code
    if said is not None:
        assert done.stderr == said


def test_a_traceback_begins_in_the_program(write) -> None:
    program = write(
        """
        def inner():
            raise ValueError("no luck")
        inner()
        """
    )
    done = evergraph_run(program)
    plain = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert done.stderr == plain.stderr
    assert done.returncode == plain.returncode == 1


def test_a_program_that_is_no_python(write) -> None:
    program = write("print 'hello'\n")
    done = evergraph_run(program)
    assert done.returncode == 1
    assert done.stderr.startswith(f'  File "{program}", line 1')
    assert "SyntaxError" in done.stderr


def test_an_error_of_a_graph_names_the_node(write) -> None:
    program = write(
        """
        import tensorflow as tf
        x = tf.placeholder(tf.float32, [2], name="missing_feed")
        with tf.Session() as session:
            session.run(x + 1)
        """
    )
    done = evergraph_run(program)
    assert done.returncode == 1
    assert "missing_feed" in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith(f'  File "{program}", line 5')
    pointers = [line for line in lines if "evergraph explain" in line]
    pointer = "Cause and cure: evergraph explain not-fed (docs/errors.md#running)"
    assert pointers == ([pointer] if sys.version_info >= (3, 11) else [])


def test_no_such_program(tmp_path: Path) -> None:
    done = evergraph_run(tmp_path / "none.py")
    assert (done.returncode, done.stdout) == (1, "")
    said = f"evergraph: {tmp_path}/none.py: there is no such file."
    assert done.stderr.splitlines() == [said, errors.WHERE_TO_LOOK]
    assert evergraph_run(tmp_path).returncode == 1
