"""Saving and restoring against stock TensorFlow, other formats, and the raw limit, in one run.

    python -m benchmarks.peers                              all, on the disk of the temporary folder
    python -m benchmarks.peers --folder /dev/shm --rounds 5
    python -m benchmarks.peers --shape 4000x64KiB raw safetensors evergraph-none

Every round runs each contestant once, in a fresh process, in turn; what is printed are medians over all of it, with
the smallest and largest time of a save. The page cache is warm. safetensors and orbax are measured where the
environment .bench has them: ``make bench-peers`` makes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("persistence.py")
SHAPES = ("64x16MiB", "4000x64KiB", "100000x64B")
PEERS = ROOT / ".bench" / "bin" / "python"
STOCK = ROOT / ".oracle" / "tf2.21" / "bin" / "python"
PYTHONS = {
    "raw": sys.executable,
    "raw-fsync": sys.executable,
    "evergraph-none": sys.executable,
    "evergraph-full": sys.executable,
    "saver-none": sys.executable,
    "saver-full": sys.executable,
    "saver-incremental": sys.executable,
    "tensorflow": str(STOCK),
    "safetensors": str(PEERS),
    "savez": sys.executable,
    "orbax": str(PEERS),
}
#: A graph of 100,000 variables takes minutes to build, and an orbax checkpoint of them to write.
LEFT_OUT = {
    "100000x64B": {"saver-none", "saver-full", "saver-incremental", "orbax"},
}
COLUMNS = ("save", "restore", "open_list", "one", "call", "stall", "save_mb", "restore_mb")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="CONTESTANT", help=", ".join(PYTHONS))
    parser.add_argument(
        "--shape", action="append", choices=SHAPES, help="number and size of tensors"
    )
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="a file to keep all numbers in")
    options = parser.parse_args()
    names = options.names or list(PYTHONS)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {options.folder}"
    )
    kept: dict[str, Any] = {}
    for shape in options.shape or SHAPES:
        chosen = [name for name in names if name not in LEFT_OUT.get(shape, ())]
        kept[shape] = rounds(chosen, shape, options.folder, options.rounds)
        show(shape, kept[shape])
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def rounds(names: list[str], shape: str, folder: Path, count: int) -> dict[str, dict[str, Any]]:
    """What each contestant took, all rounds together; without those whose environment is not there."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(count):
        for name in names:
            if not Path(PYTHONS[name]).exists():
                continue
            for column, times in measure(name, shape, folder).items():
                known = found.setdefault(name, {}).setdefault(column, [])
                known += times if isinstance(times, list) else [times]
    return found


def measure(name: str, shape: str, folder: Path) -> dict[str, Any]:
    """One contestant in a fresh process. Raises CalledProcessError where it fails."""
    env = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    place = Path(tempfile.mkdtemp(prefix="evergraph-bench-", dir=folder))
    try:
        command = [PYTHONS[name], str(SCRIPT), name, shape, str(place)]
        done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        shutil.rmtree(place)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def show(shape: str, found: dict[str, dict[str, Any]]) -> None:
    """Medians, and their ratios to the raw limit of the same run."""
    raw = {column: statistics.median(times) for column, times in found.get("raw", {}).items()}
    print(f"\n{shape}\n{'':<20}" + "".join(f"{column:>12}" for column in COLUMNS) + f"{'save':>20}")
    for name, columns in found.items():
        cells = []
        for column in COLUMNS:
            if column not in columns:
                cells.append(f"{'':>12}")
                continue
            value = statistics.median(columns[column])
            ratio = f" {value / raw[column]:.2f}x" if column in ("save", "restore") and raw else ""
            cells.append(f"{value:.4g}{ratio}".rjust(12))
        spread = f"{min(columns['save']):.3g} to {max(columns['save']):.3g}"
        print(f"{name:<20}" + "".join(cells) + f"{spread:>20}")


if __name__ == "__main__":
    main()
