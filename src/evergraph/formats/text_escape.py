"""Strings in protobuf text: in double quotes, with C escapes.

Written as every TensorFlow up to 2.15 does: whatever is not printable ASCII becomes octal
escapes, byte for byte.  Newer ones leave letters of other alphabets as they are; both read
both.
"""

from __future__ import annotations

import re

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "'": r"\'", "\\": r"\\"}
_ESCAPED = [
    _NAMED.get(chr(code)) or (chr(code) if 32 <= code < 127 else f"\\{code:03o}")
    for code in range(256)
]
_PLAIN = re.compile(rb"[ !#-&(-\[\]-~]*")
_QUOTED = re.compile(
    r'"(?:[^"\\\n]|\\[abfnrtv\\\'"]|\\[0-3][0-7]{2}|\\[0-7]{1,2}(?![0-7])|\\x[0-9a-fA-F]{2})*"'
)


def quote(data: bytes) -> str:
    """The quoted form of bytes; a string is given as its UTF-8."""
    if _PLAIN.fullmatch(data):
        return f'"{data.decode()}"'
    return '"' + "".join(map(_ESCAPED.__getitem__, data)) + '"'


def unquote(text: str) -> bytes | None:
    """The bytes of one string in double quotes, or None if `text` is anything else.

    The rarer forms that protobuf allows (single quotes, several strings in a row, `\\u`
    escapes) count as anything else.
    """
    if not _QUOTED.fullmatch(text):
        return None
    data = text[1:-1].encode()
    if b"\\" not in data:
        return data
    # Bytes from 128 on pass through `unicode_escape` as the characters of the same number.
    return data.decode("unicode_escape").encode("latin-1")
