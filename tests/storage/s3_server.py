"""A server that speaks S3's protocol on this machine, for tests: moto's."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from tests.storage.store_server import BUCKET, Kind, Request, StoreServer


class S3Server(StoreServer):
    """See `StoreServer`."""

    scheme = "s3"

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, type: str, message: str, *args: Any) -> None:
                pass

        super().__init__()
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, True, request_handler=Quiet)
        self.endpoint = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def options(self) -> dict[str, str]:
        return {"key": "a", "secret": "b", "endpoint_url": self.endpoint}

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = _request(environ)
        answer = self.noted(request)
        if answer is None:
            return self._app(environ, start_response)
        if answer.cut_after is not None:
            return self._cut(environ, start_response, answer.cut_after)
        body = (
            f"<Error><Code>AccessDenied</Code><Message>{answer.message}</Message></Error>".encode()
        )
        if answer.lost:
            list(self._app(environ, lambda *head: None))
        else:
            environ["wsgi.input"].read(request.size)
        start_response(answer.status, [("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _cut(self, environ: dict[str, Any], start_response: Any, after: int) -> Iterable[bytes]:
        """The true answer's beginning, with a length that fits: as from a cache that was cut off."""
        held: list[Any] = []
        body = b"".join(self._app(environ, lambda *head: held.append(head)))[:after]
        status, headers = held[0][:2]
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body)))])
        return [body]


def _request(environ: dict[str, Any]) -> Request:
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    key = environ["PATH_INFO"].removeprefix(f"/{BUCKET}").lstrip("/")
    kind: Kind
    match environ["REQUEST_METHOD"]:
        case "POST":
            kind = (
                "begin" if "uploads" in query else "complete" if "uploadId" in query else "delete"
            )
        case "PUT" if "HTTP_X_AMZ_COPY_SOURCE" in environ:
            kind = "copy"
        case "PUT":
            kind = "part" if "partNumber" in query else "put"
        case "DELETE":
            kind = "abort" if "uploadId" in query else "delete"
        case method:
            kind = "read" if method == "GET" and key and "list-type" not in query else "look"
    return Request(
        kind,
        key,
        int(query.get("partNumber", ["0"])[0]),
        environ.get("HTTP_RANGE", ""),
        int(environ.get("CONTENT_LENGTH") or 0),
    )
