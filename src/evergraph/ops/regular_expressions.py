"""Regular expressions as TensorFlow's ops take them (RE2's syntax), matched with Python's ``re``.

What the two spell differently is translated: ``$`` is the very end of the text, ``\\z``, ``\\C``, ``\\Q...\\E``,
``[[:alpha:]]``, flags in the middle of a pattern. ``\\w``, ``\\d``, ``\\s`` and ``\\b`` mean ASCII.
Source: RE2's syntax page.
"""

from __future__ import annotations

import functools
import re
import sys
from importlib import import_module
from typing import Any

from evergraph import errors
from evergraph.graph import room

# What reads patterns for ``re``; its module was renamed in Python 3.11.
_parser = import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
_REPEATS = frozenset(("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"))
_AMBIGUOUS = _REPEATS | {"BRANCH", "GROUPREF", "GROUPREF_EXISTS"}
_MOST_REPEATS = 2

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PIECES = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)|(?P<escape>\\.)|\[:(?P<name>\w+):\]|\(\?(?P<flags>[imsU]+)\)|(?P<other>.)",
    re.DOTALL,
)


def check(pattern: bytes) -> None:
    """Raises InvalidArgumentError where ``pattern`` is none; in a bounded run also ResourceExhaustedError where
    matching it may take more than the square of a string's length, which RE2 never does and Python's ``re`` may.
    """
    compiled(pattern)
    if room.is_bounded() and not _is_quick(pattern):
        raise errors.ResourceExhaustedError(
            None,
            None,
            f"The regular expression {as_text(pattern)!r} repeats what repeats or branches itself, or has more than "
            f"{_MOST_REPEATS} repeats: it could take for ever, and runs only without limits (bytes=None).",
        )


@functools.lru_cache(maxsize=256)
def _is_quick(pattern: bytes) -> bool:
    repeats = 0
    waiting = [(_parser.parse(_translated(as_text(pattern)), re.ASCII), False)]
    while waiting:
        part, is_repeated = waiting.pop()
        for kind, detail in part:
            name = str(kind)
            if name in _AMBIGUOUS and is_repeated:
                return False
            repeats += name in _REPEATS and detail[1] > 1
            inside = detail if isinstance(detail, (tuple, list)) else ()
            for each in inside:
                for found in each if isinstance(each, list) else (each,):
                    if isinstance(found, _parser.SubPattern):
                        waiting.append((found, is_repeated or name in _REPEATS))
    return repeats <= _MOST_REPEATS


@functools.lru_cache(maxsize=256)
def compiled(pattern: bytes) -> re.Pattern[str]:
    """``pattern`` ready to match. Raises InvalidArgumentError where it is none."""
    try:
        return re.compile(_translated(as_text(pattern)), re.ASCII)
    except (re.error, _NotSupportedError) as error:
        raise errors.InvalidArgumentError(
            None, None, f"Invalid pattern: {as_text(pattern)}, error: {error}"
        ) from None


class _NotSupportedError(Exception):
    """The pattern says something that ``re`` has no word for."""


def _translated(pattern: str) -> str:
    result: list[str] = []
    flags: list[str] = []
    closing = ""
    in_class = False
    for piece in _PIECES.finditer(pattern):
        text = piece[0]
        if piece["quoted"] is not None:
            text = re.escape(piece["quoted"])
        elif piece["flags"] is not None and not in_class:
            if "U" in piece["flags"]:
                raise _NotSupportedError("the flag U (ungreedy) is not supported")
            # From here to the end of the pattern.
            flags.append(piece["flags"])
            text, closing = f"(?{piece['flags']}:", closing + ")"
        elif piece["escape"] is not None:
            text = _escape(text, in_class)
        elif piece["name"] is not None:
            if not in_class or piece["name"] not in _CLASSES:
                raise _NotSupportedError(f"invalid character class range: {text}")
            text = _CLASSES[piece["name"]]
        elif text == "[":
            text = r"\[" if in_class else "["
            in_class = True
        elif text == "]":
            # The first of a class stands for itself.
            first = in_class and "".join(result[-2:]).endswith(("[", "[^"))
            text, in_class = (r"\]", True) if first else ("]", False)
        elif text == "$" and not in_class and not any("m" in flag for flag in flags):
            text = r"\Z"
        result.append(text)
    return "".join(result) + closing


def _escape(text: str, in_class: bool) -> str:
    if text == r"\z" and not in_class:
        return r"\Z"
    if text == r"\C" and not in_class:
        return "(?s:.)"
    if text in (r"\p", r"\P"):
        raise _NotSupportedError("Unicode classes (\\p) are not supported")
    if text == r"\Z" or (text[1].isdigit() and text[1] != "0"):
        raise _NotSupportedError(f"invalid escape sequence: {text}")
    return text


def as_text(data: bytes) -> str:
    """The characters of ``data``; bytes that are no UTF-8 stand for themselves."""
    return data.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """The reverse of ``as_text``."""
    return text.encode("utf-8", "surrogateescape")


def fully_matches(pattern: bytes, data: bytes) -> bool:
    """True where ``pattern`` matches all of ``data``."""
    return compiled(pattern).fullmatch(as_text(data)) is not None


def replaced(pattern: bytes, rewrite: bytes, data: bytes, everywhere: bool) -> bytes:
    """``data`` with what ``pattern`` matches replaced by ``rewrite`` (``\\0``: the match, ``\\1`` ... its groups).

    Raises InvalidArgumentError where ``rewrite`` names a group that is not there.
    """
    expression = compiled(pattern)
    parts = _rewrite_parts(as_text(rewrite), expression.groups)

    def put(match: re.Match[str]) -> str:
        return "".join(part if isinstance(part, str) else match[part] or "" for part in parts)

    return as_bytes(expression.sub(put, as_text(data), count=0 if everywhere else 1))


def _rewrite_parts(rewrite: str, groups: int) -> list[Any]:
    parts: list[Any] = []
    for piece in re.finditer(r"\\(.?)|[^\\]+", rewrite, re.DOTALL):
        escaped = piece[1]
        if escaped is None:
            parts.append(piece[0])
        elif escaped == "\\":
            parts.append("\\")
        elif escaped.isdigit() and int(escaped) <= groups:
            parts.append(int(escaped))
        else:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Invalid rewrite pattern: {rewrite!r} asks for {piece[0]!r}, the pattern has {groups} groups",
            )
    return parts
