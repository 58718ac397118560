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


@pytest.fixture(params=["memory", *SERVERS])
def remote(request: pytest.FixtureRequest) -> str:
    """A folder of its own in a remote store: one that knows folders, and those that know objects only."""
    name = uuid.uuid4().hex
    if request.param not in SERVERS:
        return f"{request.param}://{name}"
    server: StoreServer = request.getfixturevalue(f"{request.param}_server")
    return f"{server.scheme}://{BUCKET}/{name}"
