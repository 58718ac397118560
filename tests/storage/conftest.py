"""Remote stores for tests: a server that speaks S3's protocol, and fsspec's own memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.storage.s3_server import BUCKET, S3Server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    import fsspec

    server = S3Server()
    fsspec.config.conf["s3"] = {"key": "a", "secret": "b", "endpoint_url": server.endpoint}
    fsspec.filesystem("s3").mkdir(BUCKET)
    yield server
    del fsspec.config.conf["s3"]
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server) -> str:
    """A folder of its own in the bucket."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture(params=["memory", "s3"])
def remote(request: pytest.FixtureRequest) -> str:
    """A folder of its own in a remote store: one that knows folders, and one that knows objects only."""
    if request.param == "s3":
        folder: str = request.getfixturevalue("s3")
        return folder
    return f"memory://{uuid.uuid4().hex}"
