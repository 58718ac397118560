"""A server that speaks S3's protocol on this machine, for tests; it counts, and fails where it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BUCKET = "bucket"

#: What a test may do to a request before the store sees it: None lets it through, else the answer.
Fault = Callable[["Request"], "Answer | None"]


@dataclass(frozen=True)
class Request:
    """One request: its method, the object's key, and the headers and query that matter here."""

    method: str
    key: str
    query: str
    range: str
    size: int


@dataclass(frozen=True)
class Answer:
    """What is answered instead: an error, or the true answer cut short after some bytes.

    ``lost``: the store does what is asked before the error is given.
    """

    status: str = "403 Forbidden"
    cut_after: int | None = None
    lost: bool = False


class S3Server:
    """moto's server in a thread of this process, on a port of its own.

    Attributes:
        endpoint: its URL.
        requests: what has been asked for, in order.
        fault: see `Fault`.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, type: str, message: str, *args: Any) -> None:
                pass

        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, True, request_handler=Quiet)
        self.endpoint = f"http://127.0.0.1:{self._server.port}"
        self.requests: list[Request] = []
        self.fault: Fault | None = None
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """While held, requests go through ``fault`` first."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].removeprefix(f"/{BUCKET}").lstrip("/"),
            environ.get("QUERY_STRING", ""),
            environ.get("HTTP_RANGE", ""),
            int(environ.get("CONTENT_LENGTH") or 0),
        )
        self.requests.append(request)
        answer = self.fault(request) if self.fault is not None else None
        if answer is None:
            return self._app(environ, start_response)
        if answer.cut_after is not None:
            return self._cut(environ, start_response, answer.cut_after)
        body = b"<Error><Code>AccessDenied</Code><Message>told to fail</Message></Error>"
        if answer.lost:
            list(self._app(environ, lambda *head: None))
        else:
            environ["wsgi.input"].read(request.size)
        start_response(answer.status, [("Content-Length", str(len(body)))])
        return [] if request.method == "HEAD" else [body]

    def _cut(self, environ: dict[str, Any], start_response: Any, after: int) -> Iterable[bytes]:
        """The true answer's beginning, with a length that fits: as from a cache that was cut off."""
        held: list[Any] = []
        body = b"".join(self._app(environ, lambda *head: held.append(head)))[:after]
        status, headers = held[0][:2]
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body)))])
        return [body]
