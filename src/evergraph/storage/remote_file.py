"""Files of remote stores, read by range.

A read costs its own bytes, and one request; three rules keep the number of requests small:

- a file of up to 1 MiB (most indexes, all state files) is fetched whole, once;
- small reads that follow each other are served from one read ahead, which doubles up to 8 MiB:
  restoring thousands of small variables, which lie side by side, takes a few requests;
- what is larger than 8 MiB is fetched in parts of that size, eight at a time, where the store's
  library allows it: one connection does not fill the line to an object store.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Lock

from evergraph import errors
from evergraph.storage.filesystem import RandomAccessFile
from evergraph.storage.remote_place import Place, remote_errors

_SMALL = 1 << 20
_PART = 8 << 20
_AT_ONCE = 8
#: Reads this near behind the last one follow it: other tensors, which nobody asked for, lie between.
_GAP = 64 << 10
_FIRST_AHEAD = 256 << 10

#: Held while a store is used whose library serves one thread at a time.
_ONE_AT_A_TIME = Lock()


class RemoteFile(RandomAccessFile):
    """A file of a remote store; several threads may read.

    Args:
        place: where it is.
        size: its size in bytes, as the store says.
    """

    piece = _AT_ONCE * _PART

    def __init__(self, place: Place, size: int) -> None:
        self.path = place.url
        self.size = size
        self._place = place
        self._closed = False
        self._lock = Lock()
        self._kept: tuple[int, bytes] = (0, b"")  # where it begins, and what was read last
        self._next = -1  # where a read would begin that follows the last one
        self._ahead = 0

    def read_into(self, offset: int, buffer: memoryview) -> None:
        if self._closed:
            raise errors.FailedPreconditionError(None, None, f"{self.path} has been closed.")
        end = offset + len(buffer)
        if end > self.size:
            raise self._ends(self.size, offset, len(buffer))
        if len(buffer) < _SMALL:
            self._read_small(offset, buffer)
        elif len(buffer) <= _PART or not self._place.takes_threads:
            buffer[:] = self._fetch(offset, end)
        else:
            parts = range(0, len(buffer), _PART)
            with ThreadPoolExecutor(min(_AT_ONCE, len(parts))) as threads:
                for _ in threads.map(lambda part: self._read_part(offset, buffer, part), parts):
                    pass
        self._next = end

    def close(self) -> None:
        self._closed = True
        self._kept = (0, b"")

    def _read_part(self, offset: int, buffer: memoryview, part: int) -> None:
        piece = buffer[part : part + _PART]
        piece[:] = self._fetch(offset + part, offset + part + len(piece))

    def _read_small(self, offset: int, buffer: memoryview) -> None:
        start, end = offset, offset + len(buffer)
        with self._lock:
            if self._copy_kept(offset, buffer):
                return
            if self.size <= _SMALL:
                start, end = 0, self.size
            elif 0 <= offset - self._next <= _GAP:
                self._ahead = min(max(2 * self._ahead, _FIRST_AHEAD), _PART)
                end = min(max(end, offset + self._ahead), self.size)
            else:
                self._ahead = 0
        fetched = self._fetch(start, end)
        with self._lock:
            self._kept = (start, fetched)
            self._copy_kept(offset, buffer)

    def _copy_kept(self, offset: int, buffer: memoryview) -> bool:
        """Fills ``buffer`` from what was read last, if that has it."""
        start, data = self._kept
        begin = offset - start
        if begin < 0 or begin + len(buffer) > len(data):
            return False
        buffer[:] = data[begin : begin + len(buffer)]
        return True

    def _fetch(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end``; what a cut connection has left out is asked for again."""
        pieces: list[bytes] = []
        reached = start
        while reached < end:
            try:
                piece = self._request(reached, end)
            except errors.InvalidArgumentError:
                piece = b""  # a range behind the end (HTTP's status 416): the file was longer when it was opened
            if not piece:
                raise self._ends(reached, start, end - start)
            pieces.append(piece)
            reached += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _request(self, start: int, end: int) -> bytes:
        place = self._place
        with remote_errors(self.path), nullcontext() if place.takes_threads else _ONE_AT_A_TIME:
            piece = bytes(place.store.cat_file(place.key, start=start, end=end))
        if len(piece) <= end - start:
            return piece
        if len(piece) == self.size:  # a web server that knows no ranges answers with the whole file
            return piece[start:end]
        raise errors.DataLossError(
            None,
            None,
            f"{self.path}: {end - start} bytes were wanted at offset {start} of {self.size}, and {len(piece)} came. "
            "The file has changed since it was opened, and its server gives no parts of files: copy it to a disk.",
        )

    def _ends(self, end: int, offset: int, wanted: int) -> errors.OutOfRangeError:
        return errors.OutOfRangeError(
            None,
            None,
            f"{self.path} ends at {end}: {wanted} bytes were wanted at offset {offset}.",
        )
