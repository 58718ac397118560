"""What servers of object stores have in common for tests: they count requests, and fail where they are told to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

BUCKET = "bucket"

#: What a request asks for, whatever the protocol calls it. A large file takes ``begin``, several ``part`` and
#: ``complete``; ``look`` asks what is there, ``read`` for its bytes, ``abort`` gives an upload up.
Kind = Literal["begin", "part", "complete", "abort", "put", "copy", "read", "look", "delete"]

#: What a test may do to a request before the store sees it: None lets it through, else the answer.
Fault = Callable[["Request"], "Answer | None"]


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        kind: what is asked for.
        key: the object; of a copy, the new one.
        part: which part of an upload its bytes are, from 1; 0 for none.
        range: the bytes that are asked for, as HTTP writes them.
        size: of what is sent.
    """

    kind: Kind
    key: str
    part: int = 0
    range: str = ""
    size: int = 0

    @property
    def makes(self) -> bool:
        """Whether an object is there, or is another one, when this has been done."""
        return self.kind in ("put", "complete", "copy")


@dataclass(frozen=True)
class Answer:
    """What is answered instead: an error, or the true answer cut short after some bytes.

    ``lost``: the store does what is asked before the error is given.
    """

    status: str = "403 Forbidden"
    message: str = "told to fail"
    cut_after: int | None = None
    lost: bool = False


class StoreServer(ABC):
    """A server in a thread of this process, on a port of its own.

    Attributes:
        scheme: of its paths.
        endpoint: its URL.
        requests: what has been asked for, in order.
        fault: see `Fault`.
    """

    scheme: str
    endpoint: str

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.fault: Fault | None = None

    @property
    @abstractmethod
    def options(self) -> Mapping[str, str]:
        """How fsspec is told where it is, for `fsspec.config.conf`."""

    @property
    def environment(self) -> dict[str, str]:
        """The same for a process of its own."""
        return {
            f"FSSPEC_{self.scheme}_{name}".upper(): value for name, value in self.options.items()
        }

    @abstractmethod
    def stop(self) -> None:
        """Ends the thread."""

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """While held, requests go through ``fault`` first."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    def noted(self, request: Request) -> Answer | None:
        """Counts a request; the answer that a test wants instead of the true one."""
        self.requests.append(request)
        return self.fault(request) if self.fault is not None else None
