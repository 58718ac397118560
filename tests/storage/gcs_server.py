"""A server that speaks Google Cloud Storage's JSON protocol on this machine, for tests: gcp-storage-emulator's.

What the emulator does otherwise than Google's server, and is put right here (its version 2026.7.19):

- It serves one request at a time, and its store is made for that: requests are handled under a lock.
- Giving up a resumable upload (DELETE of its URL) is 501 there, after which gcsfs asks again and again, for half a
  minute; the server answers 499 and forgets the parts.
- A range behind the end of an object is an empty 206 there, and the server's is 416.

gcsfs also asks, over gRPC, how a bucket is laid out (`GetStorageLayout`), before it opens a file in it; the emulator
speaks no gRPC. `plain_buckets` gives the answer for an ordinary bucket.
"""

from __future__ import annotations

import io
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.storage.store_server import Kind, Request, StoreServer

_OBJECT = re.compile(r"/b/[^/]+/o/(.*)")
_COPY = re.compile(r".*/(?:rewriteTo|copyTo|moveTo)/(?:b/[^/]+/)?o/(.*)")


class GcsServer(StoreServer):
    """See `StoreServer`."""

    scheme = "gs"

    def __init__(self) -> None:
        from gcp_storage_emulator.storage import Storage

        super().__init__()
        self._storage = Storage(use_memory_fs=True)
        self._lock = threading.Lock()
        self._parts: dict[str, int] = {}  # how many parts of an upload have come
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = (
                -1
            )  # head and body go together: sent apart, each answer waits for the other side's 40 ms

            def answer(self) -> None:
                owner._answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def options(self) -> dict[str, str]:
        return {"token": "anon", "project": "tests", "endpoint_url": self.endpoint}

    @property
    def environment(self) -> dict[str, str]:
        # In a process of its own nothing can be put in the place of the question over gRPC, but gcsfs can be told not
        # to ask.
        return {**super().environment, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        exchange = _Exchange(handler, self._storage)
        request = self._request(exchange)
        answer = self.noted(request)
        if answer is None or answer.lost or answer.cut_after is not None:
            with self._lock:
                self._serve(exchange, request)
        if answer is not None and answer.cut_after is not None:
            exchange.body = exchange.body[: answer.cut_after]
        elif answer is not None:
            exchange.refuse(int(answer.status.split()[0]), answer.message)
        handler.send_response(exchange.status)
        for name, value in exchange.fields.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(exchange.body)))
        handler.end_headers()
        handler.wfile.write(exchange.body)

    def _request(self, exchange: _Exchange) -> Request:
        path, query = unquote(exchange.url.path), exchange.query
        found = _OBJECT.search(path)
        key, part = found[1] if found else "", 0
        kind: Kind = "look"
        if path.startswith("/upload/"):
            key = query.get("name", "")
            if "upload_id" not in query:
                kind = "begin" if query["uploadType"] == "resumable" else "put"
                key = key or json.loads(exchange.sent.split(b"\n\n")[1].split(b"\n")[0])["name"]
            elif exchange.method == "DELETE":
                kind = "abort"
            else:
                kind = "part" if exchange.headers["Content-Range"].endswith("/*") else "complete"
                part = self._parts[query["upload_id"]] = self._parts.get(query["upload_id"], 0) + 1
        elif copy := _COPY.match(path):
            kind, key = "copy", copy[1]
        elif exchange.method == "DELETE":
            kind = "delete"
        elif path.startswith("/download/") or query.get("alt") == "media":
            kind = "read"
        asked = exchange.headers.get("Range", "")
        return Request(kind, key, part, asked, len(exchange.sent))

    def _serve(self, exchange: _Exchange, request: Request) -> None:
        from gcp_storage_emulator.exceptions import NotFound
        from gcp_storage_emulator.server import Router
        from gcp_storage_emulator.storage import RESUMABLE_DIR

        if request.kind == "abort":
            upload = exchange.query["upload_id"]
            try:
                self._storage.delete_resumable_file_obj(upload)
            except NotFound:
                exchange.refuse(404, "There is no such upload.")
                return
            self._storage._delete_file(RESUMABLE_DIR, self._storage.safe_id(upload))
            exchange.status = 499
            return
        Router(exchange).handle(exchange.method)
        exchange.body = exchange.wfile.getvalue()
        if exchange.status == 206 and not exchange.body:
            exchange.refuse(416, "Request range not satisfiable")


class _Quiet(ThreadingHTTPServer):
    """gcsfs asks two ways whether something is there, and hangs up on the slower one."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Exchange:
    """A request, and its answer, as the emulator wants to be given a handler; nothing is sent before it is whole."""

    def __init__(self, handler: BaseHTTPRequestHandler, storage: Any) -> None:
        self.path = handler.path
        self.method = handler.command
        self.url = urlsplit(handler.path)
        self.query = {name: values[0] for name, values in parse_qs(self.url.query).items()}
        self.headers = handler.headers
        self.sent = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.rfile = io.BytesIO(self.sent)
        self.wfile = io.BytesIO()
        self.server = handler.server
        self.storage = storage
        self.status = 200
        self.fields: dict[str, str] = {}
        self.body = b""

    def send_response(self, status: int, phrase: str) -> None:
        self.status = status

    def send_header(self, name: str, value: str) -> None:
        if name != "Content-Length":
            self.fields[name] = value

    def end_headers(self) -> None:
        pass

    def refuse(self, status: int, message: str) -> None:
        """An error as the server writes it, instead of any answer so far."""
        self.status, self.fields = status, {"Content-Type": "application/json"}
        self.body = json.dumps({"error": {"code": status, "message": message}}).encode()


@contextmanager
def plain_buckets() -> Iterator[None]:
    """While held, gcsfs takes all buckets for ordinary ones, without asking."""
    from gcsfs.extended_gcsfs import BucketType, ExtendedGcsFileSystem

    async def bucket_type(self: object, bucket: str) -> BucketType:
        return BucketType.NON_HIERARCHICAL

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExtendedGcsFileSystem, "_get_bucket_type", bucket_type)
        yield
