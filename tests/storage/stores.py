"""Remote stores for tests, as fixtures: servers of S3 and of Google Cloud Storage here, and fsspec's own memory.

`tests/conftest.py` hands them on to all folders: what lives in a store is tested beside what it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.storage.store_server import BUCKET, StoreServer

#: The stores whose servers can be told to fail.
SERVERS = ("s3", "gs")


@contextmanager
def _configured(server: StoreServer) -> Iterator[StoreServer]:
    """While held, fsspec finds ``server``, which has a bucket."""
    import fsspec

    fsspec.config.conf[server.scheme] = dict(server.options)
    try:
        fsspec.filesystem(server.scheme).mkdir(BUCKET)
        yield server
    finally:
        del fsspec.config.conf[server.scheme]
        server.stop()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[StoreServer]:
    from tests.storage.s3_server import S3Server

    with _configured(S3Server()) as server:
        yield server


@pytest.fixture(scope="session")
def gs_server() -> Iterator[StoreServer]:
    from tests.storage.gcs_server import GcsServer, plain_buckets

    with plain_buckets(), _configured(GcsServer()) as server:
        yield server


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> StoreServer:
    """The server of each object store."""
    found: StoreServer = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def bucket(server: StoreServer) -> str:
    """A folder of its own in the bucket of ``server``."""
    return f"{server.scheme}://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def renaming() -> Iterator[str]:
    """A folder of its own in a store that renames, as HDFS does."""
    import fsspec

    from tests.storage.renaming_store import RenamingStore

    fsspec.register_implementation("renaming", RenamingStore, clobber=True)
    yield f"renaming://{uuid.uuid4().hex}"
    RenamingStore.fails_at = ""


@pytest.fixture(params=["memory", "renaming", *SERVERS])
def remote(request: pytest.FixtureRequest) -> str:
    """A folder of its own in a remote store: those that know folders (and copy, or rename), and objects only."""
    name = uuid.uuid4().hex
    if request.param == "memory":
        return f"memory://{name}"
    if request.param == "renaming":
        folder: str = request.getfixturevalue("renaming")
        return folder
    server: StoreServer = request.getfixturevalue(f"{request.param}_server")
    return f"{server.scheme}://{BUCKET}/{name}"
