"""What must hold of a parser for any input."""

from __future__ import annotations

import faulthandler
import hashlib
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from evergraph.errors import OpError

#: What parsing may always take: tables that are filled on first use, messages of errors.
FREE_BYTES = 8 << 20
#: No input of a few kilobytes may take longer, on a busy machine and with everything traced.
MOST_SECONDS = 10.0


class Violation(Exception):
    """A property that did not hold."""


@dataclass(frozen=True)
class Target:
    """A parser to be fuzzed.

    Attributes:
        name: on the command line, and of its folder of examples.
        run: hands bytes to the parser, and uses what comes out of it.
        errors: what it may raise beside OpError, as its documentation says.
        bytes_per_byte: how many bytes of memory a byte of input may cost.
        repair: makes changed bytes pass checksums, where it can; the second argument seeds what it chooses.
        largest: longer inputs are not made.
        examples: the folder of its examples, where it is not its name.
    """

    name: str
    run: Callable[[bytes], None]
    errors: tuple[type[Exception], ...] = ()
    bytes_per_byte: int = 64
    repair: Callable[[bytes, int], bytes] = field(default=lambda data, seed: data)
    largest: int = 1 << 16
    examples: str = ""

    @property
    def corpus(self) -> str:
        return self.examples or self.name


def check(target: Target, data: bytes, *, measure: bool = True) -> None:
    """Runs ``target`` on ``data``.

    Raises:
        Violation: a property did not hold; its cause is what was raised instead.
    """
    began = time.monotonic()
    if measure:
        if not tracemalloc.is_tracing():
            tracemalloc.start()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
    try:
        target.run(data)
    except (OpError, *target.errors):
        pass
    except Exception as error:
        raise Violation(
            f"{target.name} raises {type(error).__name__} for {len(data)} bytes: {error}"
        ) from error
    if measure:
        _, peak = tracemalloc.get_traced_memory()
        most = FREE_BYTES + target.bytes_per_byte * len(data)
        if peak - before > most:
            raise Violation(
                f"{target.name} takes {peak - before:,} bytes for {len(data)}: more than {most:,}"
            )
    took = time.monotonic() - began
    if took > MOST_SECONDS:
        raise Violation(f"{target.name} takes {took:.1f} s for {len(data)} bytes")


def stop_hangs(seconds: int) -> None:
    """From now on, an input that takes longer ends the process, with a traceback. Call before each one."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def keep(target: Target, data: bytes, folder: Path) -> Path:
    """Writes an input down, so that it can be tried again (``python -m fuzz TARGET --input FILE``)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target.name}-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    return path
