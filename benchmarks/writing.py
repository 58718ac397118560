"""Ways to write one large file with its checksum, by bare system calls: what a save could do, and whether it helps.

    python -m benchmarks.writing                       on the disk of the temporary folder
    python -m benchmarks.writing --folder /dev/shm --times 9
    python -m benchmarks.writing --fsync

Each way writes the same bytes, in turn; what is printed are the median and the range of seconds, and the ratio of the
median to that of the first way, which is what a save does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from crc32c import crc32c

PIECE = 1 << 20
THREADS = 2


class Writer:
    """Writes ``arrays`` into a folder, in any of the ways that are its methods."""

    def __init__(self, folder: Path, arrays: Sequence[memoryview], fsync: bool) -> None:
        self.path = folder / "data"
        self.folder = folder
        self.arrays = arrays
        self.size = sum(map(len, arrays))
        self.fsync = fsync

    def in_turn(self) -> None:
        """Each piece is summed, then written."""
        self._write(self.path, self.arrays)

    def without_checksum(self) -> None:
        """What the sums cost is left out."""
        self._write(self.path, self.arrays, summed=False)

    def preallocated(self) -> None:
        """The file gets its size first."""
        self._write(self.path, self.arrays, size=self.size)

    def summed_ahead(self) -> None:
        """Another thread makes the sums."""
        with ThreadPoolExecutor(1) as pool:
            sums = pool.submit(lambda: [crc32c(p) for a in self.arrays for p in pieces(a)])
            self._write(self.path, self.arrays, summed=False)
            sums.result()

    def in_ranges(self) -> None:
        """Each thread writes its range of the file."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT)

        def write(number: int) -> None:
            share = len(self.arrays) // THREADS
            offset = number * share * len(self.arrays[0])
            for array in self.arrays[number * share : (number + 1) * share]:
                for piece in pieces(array):
                    crc32c(piece)
                    os.pwrite(descriptor, piece, offset)
                    offset += len(piece)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(write, range(THREADS)))
        self._end(descriptor)

    def in_files(self) -> None:
        """Each thread writes a file."""
        share = len(self.arrays) // THREADS

        def write(number: int) -> None:
            part = self.arrays[number * share : (number + 1) * share]
            self._write(self.folder / f"data{number}", part)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(write, range(THREADS)))

    def _write(
        self, path: Path, arrays: Sequence[memoryview], summed: bool = True, size: int = 0
    ) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        if size:
            os.posix_fallocate(descriptor, 0, size)
        for array in arrays:
            for piece in pieces(array):
                if summed:
                    crc32c(piece)
                os.write(descriptor, piece)
        self._end(descriptor)

    def _end(self, descriptor: int) -> None:
        if self.fsync:
            os.fsync(descriptor)
        os.close(descriptor)


def pieces(array: memoryview) -> list[memoryview]:
    return [array[start : start + PIECE] for start in range(0, len(array), PIECE)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--fsync", action="store_true", help="wait for the disk each time")
    options = parser.parse_args()
    block = np.random.default_rng(0).random(4 << 20, np.float32)
    arrays = [(block + np.float32(i)).view(np.uint8).data for i in range(32)]
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        writer = Writer(folder, arrays, options.fsync)
        ways = [
            writer.in_turn,
            writer.without_checksum,
            writer.preallocated,
            writer.summed_ahead,
            writer.in_ranges,
            writer.in_files,
        ]
        times: dict[str, list[float]] = {way.__name__: [] for way in ways}
        for _ in range(options.times):
            for way in ways:
                times[way.__name__].append(timed(way))
                for file in folder.iterdir():
                    file.unlink()
    first = statistics.median(times["in_turn"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(
            f"{name:<18}{median:>8.3f}{median / first:>7.2f}x   {min(taken):.3f} to {max(taken):.3f}"
        )


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
