"""Records what stock TensorFlow 2.15.1 draws, as the goldens of tests/ops/test_philox.py.

    .venv/bin/python tools/record_philox.py

TensorFlow runs in its own environment (`make oracle-envs`), on one thread. The file holds what is
needed to tell a wrong draw: of a long one a sample of its numbers, and its hash where the draw has
to be the same bit by bit. Each row is stored with a hash of its inputs, so that goldens of another
table are noticed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.ops import philox_rows  # noqa: E402
from tests.ops.philox_rows import value_hash  # noqa: E402
from tests.ops.test_philox import GOLDEN, golden_rows  # noqa: E402
from tests.oracle.client import VERSIONS, Oracle  # noqa: E402


def main() -> None:
    rows = golden_rows()
    oracle = Oracle("2.15")
    results = oracle.execute(philox_rows.TENSORFLOW, rows=[row.sent() for row in rows])
    oracle.close()
    hashes, samples = [], []
    for row, runs in zip(rows, results, strict=True):
        for output in (output for run in runs for output in run):
            hashes.append(f"{output.dtype.name}{list(output.shape)} {value_hash(row, output)}")
            samples.append(philox_rows.sample(output).tobytes())
    GOLDEN.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        GOLDEN,
        recorder=np.array(f"tools/{Path(__file__).name}, TensorFlow {VERSIONS['2.15']}"),
        rows=np.array([philox_rows.row_hash(row) for row in rows]),
        outputs=np.array(hashes),
        samples=np.frombuffer(b"".join(samples), np.uint8),
    )
    print(f"{GOLDEN.relative_to(ROOT)}: {len(rows)} rows, {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
