"""What ``evergraph inspect`` says of files of records: event files, examples, and any other. They are gone through."""

from __future__ import annotations

from collections import Counter
from typing import Any

from evergraph import errors
from evergraph.cli.checkpoint_facts import size_of
from evergraph.formats.kinds import FileKind
from evergraph.formats.record import RecordReader

Facts = dict[str, Any]

# Zlib has no mark of its own, and gzip may hold anything: the first record tells.
_MAYBE = {FileKind.GZIP: "GZIP", FileKind.UNKNOWN: "ZLIB"}


def compression_of(path: str, kind: FileKind) -> str | None:
    """How the records in a file are compressed (``""``: not at all); None if it is no file of records."""
    if kind in (FileKind.EVENTS, FileKind.RECORDS):
        return ""
    compression = _MAYBE.get(kind)
    if compression is not None:
        with RecordReader(path, compression) as records:
            try:
                return None if next(records, None) is None else compression
            except errors.DataLossError:
                pass
    return None


def record_facts(path: str, compression: str) -> Facts:
    """What is known of a file of records. A damaged one is gone through up to the damage, which is noted."""
    sizes: list[int] = []
    first = b""
    notice = ""
    events = _Events()
    with RecordReader(path, compression) as records:
        try:
            for record in records:
                first = first if sizes else record
                sizes.append(len(record))
                events.add(record)
        except errors.DataLossError as error:
            notice = error.message
    facts = {
        "kind": "events" if events.found else "records",
        "path": path,
        "bytes": size_of(path),
        "compression": compression,
        "notice": notice,
        "records": len(sizes),
        "record_bytes": [min(sizes, default=0), max(sizes, default=0)],
    }
    if events.found:
        return {**facts, **events.facts()}
    return {**facts, "features": _features(first)}


class _Events:
    """Sums up ``Event`` messages; a first record that does not name the version of events ends it."""

    def __init__(self) -> None:
        self.found: bool | None = None
        self._kinds: Counter[str] = Counter()
        self._tags: Counter[str] = Counter()
        self._steps: list[int] = []
        self._times: list[float] = []

    def add(self, record: bytes) -> None:
        from google.protobuf.message import DecodeError

        from evergraph.formats.protos import Event

        if self.found is False:
            return
        try:
            event = Event.FromString(record)
        except DecodeError:
            event = Event()
        kind = event.WhichOneof("what")
        if self.found is None:
            self.found = kind == "file_version"
            if not self.found:
                return
        self._kinds[kind or "nothing"] += 1
        self._tags.update(value.tag for value in event.summary.value)
        self._steps.append(event.step)
        self._times.append(event.wall_time)

    def facts(self) -> Facts:
        return {
            "kinds": dict(self._kinds.most_common()),
            "tags": dict(sorted(self._tags.items())),
            "steps": [min(self._steps), max(self._steps)],
            "seconds": max(self._times) - min(self._times),
        }


def _features(record: bytes) -> Facts:
    """The features of a record that is an ``Example``: name -> kind and number of values; else none."""
    from google.protobuf.message import DecodeError

    from evergraph.formats.protos import Example

    try:
        example = Example.FromString(record)
    except DecodeError:
        return {}
    found = {}
    for name, feature in sorted(example.features.feature.items()):
        kind = feature.WhichOneof("kind")
        count = len(getattr(feature, kind).value) if kind else 0
        found[name] = {"kind": (kind or "none").removesuffix("_list"), "values": count}
    return found
