"""Stock TensorFlow, as the tests see it.

    oracle = Oracle("2.15")
    (product,) = oracle.run_graph(graph_def, feeds={"a:0": a}, fetches=["product:0"])
    oracle.execute("def main(tf, np, prefix): ...", prefix="/tmp/model")
    oracle.run_script("program.py", ["out"])

TensorFlow lives in a process of its own, in a virtual environment that ``make oracle-envs``
makes. The process is started on first use and serves every later call. Where TensorFlow raises,
OracleError carries the name of the class and the message; where it dies (TensorFlow aborts on
some bad input) or does not answer in time, OracleCrash or OracleTimeout says so and the next
call starts a new one.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracle import wire

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
VERSIONS = {"2.15": "2.15.1", "2.21": "2.21.0"}
TIMEOUT = 120.0


class OracleError(Exception):
    """TensorFlow raised. ``type`` is the class's name, ``bases`` those it inherits from."""

    def __init__(self, type: str, bases: Sequence[str], message: str, traceback: str = "") -> None:
        super().__init__(f"{type}: {message}")
        self.type = type
        self.bases = tuple(bases)
        self.message = message
        self.traceback = traceback


class OracleCrash(Exception):
    """The TensorFlow process died; the message ends with the last lines that it printed."""


class OracleTimeout(OracleCrash):
    """The TensorFlow process did not answer in time, and was ended."""


class OracleMissing(Exception):
    """There is no such TensorFlow here."""


@dataclass(frozen=True)
class ScriptResult:
    """What a program printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


class Oracle:
    """One version of stock TensorFlow."""

    def __init__(self, version: str) -> None:
        """``version``: "2.15" or "2.21". Raises OracleMissing where it is not installed."""
        self.version = version
        self.python = ROOT / ".oracle" / f"tf{version}" / "bin" / "python"
        if not self.python.exists():
            raise OracleMissing(
                f"This test compares with stock TensorFlow {VERSIONS[version]}, and there is no "
                f"{self.python.relative_to(ROOT)}: run `make oracle-envs` (Python 3.11, 1.5 GB)."
            )
        self._process: subprocess.Popen[bytes] | None = None
        self._log: Any = None

    # ------------------------------------------------------------------------------- commands

    def versions(self) -> dict[str, Any]:
        """TensorFlow's, NumPy's and Python's version, and the GraphDef versions it speaks."""
        return self._ask("versions")

    def op_defs(self, names: Sequence[str] | None = None) -> dict[str, bytes]:
        """Serialized OpDefs by op type, without documentation; all of them, or those named."""
        return self._ask("op_defs", names=None if names is None else list(names))

    def op_def(self, name: str) -> bytes:
        """One serialized OpDef. Raises OracleError (KeyError) where TensorFlow has no such op."""
        return self.op_defs([name])[name]

    def run_graph(
        self,
        graph_def: bytes,
        feeds: Mapping[str, Any] | None = None,
        fetches: Sequence[str] = (),
        targets: Sequence[str] = (),
        init: Sequence[str] = (),
        optimize: bool = False,
    ) -> list[np.ndarray]:
        """Imports a serialized GraphDef, runs ``init`` (op names), then once; the fetched arrays.

        ``optimize`` lets TensorFlow rewrite the graph first, which is its default; here it is off.
        """
        runs: list[dict[str, Any]] = (
            [{"targets": list(init), "feeds": dict(feeds or {})}] if init else []
        )
        runs.append(
            {"feeds": dict(feeds or {}), "fetches": list(fetches), "targets": list(targets)}
        )
        return self.run_session(graph_def, runs, optimize)[-1]

    def run_session(
        self, graph_def: bytes, runs: Sequence[Mapping[str, Any]], optimize: bool = False
    ) -> list[list[np.ndarray]]:
        """Several runs in one session, each a dict of ``feeds``, ``fetches``, ``targets``."""
        return self._ask(
            "run_session", graph_def=graph_def, runs=[dict(run) for run in runs], optimize=optimize
        )

    def static_shapes(
        self, graph_def: bytes, names: Sequence[str]
    ) -> dict[str, tuple[str, list[int] | None]]:
        """By tensor name: element type, static shape (None: unknown rank; -1: unknown size)."""
        return self._ask("static_shapes", graph_def=graph_def, names=list(names))

    def gradients(
        self,
        graph_def: bytes,
        ys: Sequence[str],
        xs: Sequence[str],
        feeds: Mapping[str, Any] | None = None,
        grad_ys: Sequence[str] | None = None,
        init: Sequence[str] = (),
    ) -> list[np.ndarray | None]:
        """The values of TensorFlow's own ``tf.gradients`` over an imported graph, made dense."""
        return self._ask(
            "gradients",
            graph_def=graph_def,
            ys=list(ys),
            xs=list(xs),
            feeds=dict(feeds or {}),
            grad_ys=None if grad_ys is None else list(grad_ys),
            init=list(init),
        )

    def execute(self, source: str, timeout: float = TIMEOUT, **args: Any) -> Any:
        """Runs ``main(tf, np, **args)``, defined by ``source``, in a fresh Graph; what it returns.

        Arguments and result are plain Python values and arrays. ``tf`` is
        ``tensorflow.compat.v1`` with TensorFlow 2 behaviour off. The working folder is the
        tests'.
        """
        return self._ask("execute", _timeout=timeout, source=source, args=args)

    def run_script(
        self,
        path: str | os.PathLike[str],
        argv: Sequence[str] = (),
        cwd: str | os.PathLike[str] | None = None,
        timeout: float = 300.0,
    ) -> ScriptResult:
        """Runs a TensorFlow 1 program, unmodified, in a fresh process.

        In it, ``tensorflow`` is ``tensorflow.compat.v1`` with TensorFlow 2 behaviour off; the
        old home of ``convert_variables_to_constants``
        (``tensorflow.python.framework.graph_util``) is filled from its new one. ``tf.layers`` is
        what that TensorFlow has: whole in 2.15, gone with Keras 3 in 2.21.
        """
        done = subprocess.run(
            [self.python, HERE / "run_script.py", Path(path).resolve(), *map(str, argv)],
            cwd=cwd,
            env=_environment(),
            capture_output=True,
            check=False,
            text=True,
            timeout=timeout,
        )
        return ScriptResult(done.returncode, done.stdout, done.stderr)

    # --------------------------------------------------------------------------- the process

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout, self._log):
                with contextlib.suppress(OSError):
                    stream.close()
            self._process = None

    def _ask(self, _command: str, _timeout: float = TIMEOUT, **args: Any) -> Any:
        process = self._started()
        try:
            wire.send(process.stdin, wire.dumps((_command, args)))
            answer = self._receive(process, _timeout)
        except (EOFError, BrokenPipeError):
            raise OracleCrash(self._last_words(f"died in `{_command}`")) from None
        if "error" in answer:
            raise OracleError(**answer["error"])
        return answer["value"]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [self.python, HERE / "server.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(),
        )
        try:
            greeting = self._receive(self._process, TIMEOUT)
        except EOFError:
            raise OracleCrash(self._last_words("did not start")) from None
        if greeting["tensorflow"] != VERSIONS[self.version]:
            self.close()
            raise OracleMissing(
                f"{self.python} holds TensorFlow {greeting['tensorflow']}, "
                f"wanted is {VERSIONS[self.version]}: "
                f"remove .oracle/tf{self.version} and run `make oracle-envs`."
            )
        return self._process

    def _receive(self, process: subprocess.Popen[bytes], timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        while not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            if time.monotonic() >= deadline:
                raise OracleTimeout(self._last_words(f"gave no answer in {timeout:g} s"))
        return wire.receive(process.stdout)

    def _last_words(self, what: str) -> str:
        self._process.kill()
        code = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()[-15:]
        self.close()
        return "\n  ".join([f"TensorFlow {self.version} {what} (exit code {code})", *lines])


def _environment() -> dict[str, str]:
    """One thread, plain kernels, quiet; and nothing of the interpreter that runs the tests."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "TF_"))}
    env.update(
        TF_CPP_MIN_LOG_LEVEL="3",
        TF_ENABLE_ONEDNN_OPTS="0",
        OMP_NUM_THREADS="1",
        CUDA_VISIBLE_DEVICES="-1",
        PYTHONHASHSEED="0",
        PYTHONUNBUFFERED="1",
    )
    return env


if __name__ == "__main__":
    for version in sys.argv[1:] or VERSIONS:
        print(Oracle(version).versions())
