"""Streams to and from remote files, for `gfile`.

Reading goes by ranges. What is written is gathered here, in memory up to 32 MiB and in a temporary file
behind that, and the whole file is uploaded when it is flushed or closed: a store has no writing in the
middle or at the end of an object. Checkpoints do not come this way; they are uploaded while they are
written (`remote_publication`).
"""

from __future__ import annotations

import io
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from evergraph.storage.filesystem import RandomAccessFile
from evergraph.storage.remote_publication import RemotePublication

if TYPE_CHECKING:
    from typing_extensions import Buffer

_IN_MEMORY = 32 << 20
_PIECE = 1 << 20


class RemoteReader(io.RawIOBase):
    """A file as a stream to read from; `io.BufferedReader` makes lines of it."""

    def __init__(self, file: RandomAccessFile) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = max(0, (0, self._position, self._file.size)[whence] + offset)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        target = target[: max(0, self._file.size - self._position)]
        if target:
            self._file.read_into(self._position, target)
        self._position += len(target)
        return len(target)

    def readall(self) -> bytes:
        rest = self._file.read(self._position, max(0, self._file.size - self._position))
        self._position += len(rest)
        return bytes(rest)

    def close(self) -> None:
        self._file.close()
        super().close()


class RemoteWriter(SpooledTemporaryFile[bytes]):
    """A file that is written here, and uploaded whole when it is flushed or closed.

    Args:
        path: where it will be.
        contents: what is there already and is kept; None: nothing.
        at_end: begin writing behind what is there.
    """

    def __init__(self, path: str, contents: RandomAccessFile | None, at_end: bool) -> None:
        super().__init__(max_size=_IN_MEMORY)
        self._path = path
        self._changed = contents is None
        if contents is not None:
            for offset in range(0, contents.size, _PIECE):
                super().write(contents.read(offset, min(_PIECE, contents.size - offset)))
            if not at_end:
                self.seek(0)

    def write(self, data: Any) -> int:
        self._changed = True
        return super().write(data)

    def flush(self) -> None:
        super().flush()
        if not self._changed:
            return
        place = self.tell()
        self.seek(0, io.SEEK_END)
        size = self.tell()
        self.seek(0)
        with RemotePublication(make_folders=False) as files:
            upload = files.create(self._path, size)
            while piece := self.read(_PIECE):
                upload.write(piece)
        self.seek(place)
        self._changed = False

    def close(self) -> None:
        try:
            if not self.closed:
                self.flush()
        finally:
            super().close()

    def __exit__(self, *unused: object) -> None:
        self.close()  # the base class closes the file inside, and nothing would be uploaded
