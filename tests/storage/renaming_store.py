"""A store for tests that renames, in this process's memory."""

from __future__ import annotations

from typing import Any

from fsspec.implementations.memory import MemoryFileSystem


class RenamingStore(MemoryFileSystem):
    """A store as HDFS is one: it renames, and renaming does not replace."""

    protocol = "renaming"
    store: dict[str, Any] = {}  # noqa: RUF012  # MemoryFileSystem's own way
    pseudo_dirs: list[str] = [""]  # noqa: RUF012
    fails_at = ""

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("renaming://")))

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        raise NotImplementedError

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        path1, path2 = self._strip_protocol(path1), self._strip_protocol(path2)
        if self.exists(path2):
            raise FileExistsError(path2)
        if self.fails_at and path2.endswith(self.fails_at) and not path1.endswith("-old"):
            raise PermissionError(path2)
        for path in list(self.store):
            if path == path1 or path.startswith(path1 + "/"):
                self.store[path2 + path[len(path1) :]] = self.store.pop(path)
