"""Parts of paths, those of remote stores (``scheme://...``) as well.

``os.path.join`` and ``os.path.basename`` serve both; these do not: ``os.path.dirname`` makes
``memory:`` of ``memory://model.ckpt``, and ``os.path.abspath`` puts the present folder before it.
"""

from __future__ import annotations

import os
import posixpath

from evergraph.storage.filesystem import is_remote


def split(path: str) -> tuple[str, str]:
    """The folder of a path, and the name in it; ``memory://name`` lies in ``memory://``."""
    folder, name = os.path.split(path)
    if folder.endswith(":") and is_remote(path):
        folder = path[: len(path) - len(name)]
    return folder, name


def is_absolute(path: str) -> bool:
    """Whether a path means the same from every folder."""
    return os.path.isabs(path) or is_remote(path)


def absolute(path: str) -> str:
    """A path from the root of its disk or store, without ``.`` and ``..``."""
    if not is_remote(path):
        return os.path.abspath(path)
    scheme, separator, rest = path.partition("://")
    # Behind a leading slash (hdfs:///a) nothing leads out of the root.
    return scheme + separator + (posixpath.normpath(rest) if rest else "")


def join(folder: str, path: str) -> str:
    """``path`` as seen from ``folder``: itself where it is absolute."""
    return path if is_remote(path) else os.path.join(folder, path)


def below(path: str, folder: str) -> str | None:
    """What leads from ``folder`` to ``path``; None where ``path`` does not lie in it."""
    home, inside = absolute(folder or "."), absolute(path)
    home = home if home.endswith("/") else home + "/"
    return inside[len(home) :] if inside.startswith(home) and inside != home else None
