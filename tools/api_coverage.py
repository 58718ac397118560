"""Writes docs/api_coverage.md: which names of TensorFlow 1 evergraph hands on.

    .venv/bin/python tools/api_coverage.py

The names to compare with are those of `tensorflow.compat.v1` in TensorFlow 2.15 (from `.oracle`),
and the ones of 2016 and 2017 below. Where `../shared/data/usage/api.tsv` is there, what old programs
use most comes first.
"""

from __future__ import annotations

import importlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".oracle" / "tf2.15" / "bin" / "python"
SHARED = Path(os.environ.get("EVERGRAPH_SHARED") or ROOT.parent / "shared")
USAGE = SHARED / "data" / "usage" / "api.tsv"
TARGET = ROOT / "docs" / "api_coverage.md"

NAMESPACES = """app bitwise compat debugging dtypes errors flags gfile graph_util image initializers io layers
linalg logging losses manip math metrics nn python_io random saved_model sets sparse spectral strings summary
sysconfig test train""".split()

#: Gone from TensorFlow's own 1.x names, or renamed in it, but found in programs of the time.
OLD = """initialize_all_variables all_variables mul sub neg pack unpack select batch_matmul inv listdiff
complex_abs histogram_summary scalar_summary image_summary merge_summary merge_all_summaries""".split()

LIST = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow.compat.v1 as tf
for name in {names!r}:
    module = tf if name == "" else getattr(tf, name, None)
    print(name or ".", *(n for n in dir(module) if n[0] != "_"))
"""


def tensorflow_names() -> dict[str, list[str]]:
    """Namespace ("" for tf itself) -> its names in TensorFlow."""
    source = LIST.format(names=["", *NAMESPACES])
    done = subprocess.run(
        [PYTHON, "-c", source], capture_output=True, text=True, check=True, cwd="/"
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    found = {name.strip("."): names for name, *names in lines}
    found[""] = sorted({*found[""], *OLD})
    return found


def has(namespace: str, name: str) -> bool:
    """Whether evergraph hands the name on."""
    try:
        module = importlib.import_module("evergraph.tf1" + (f".{namespace}" if namespace else ""))
    except ModuleNotFoundError:
        if namespace != "errors":
            return False
        module = importlib.import_module("evergraph.errors")
    return hasattr(module, name)


def usage() -> dict[str, int]:
    """Full name -> how many of the surveyed programs use it."""
    if not USAGE.exists():
        return {}
    rows = [line.split("\t") for line in USAGE.read_text().splitlines()[1:]]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}


def main() -> None:
    used = usage()
    lines = [
        "# TensorFlow 1's names",
        "",
        "Written by `tools/api_coverage.py`; compared with `tensorflow.compat.v1` of TensorFlow 2.15.1",
        "and the spellings of 2016 and 2017 that it has dropped. Missing names are ordered by how many",
        "of 103 surveyed programs use them (in brackets, where any does).",
        "",
        "| namespace | names | here |",
        "|---|---:|---:|",
    ]
    missing_lines: list[str] = []
    for namespace, names in tensorflow_names().items():
        shown = f"tf.{namespace}" if namespace else "tf"
        missing = [name for name in names if not has(namespace, name)]
        lines.append(f"| `{shown}` | {len(names)} | {len(names) - len(missing)} |")
        missing.sort(key=lambda name: (-used.get(f"{shown}.{name}", 0), name))
        words = [
            f"{name} ({used[f'{shown}.{name}']})" if f"{shown}.{name}" in used else name
            for name in missing
        ]
        if words:
            missing_lines += ["", f"**{shown}**: {', '.join(words)}"]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join([*lines, "", "## Not here yet", *missing_lines]) + "\n")
    print("\n".join(lines[6:]))


if __name__ == "__main__":
    main()
