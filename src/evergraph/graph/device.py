"""Device strings: ``/job:worker/replica:0/task:1/device:GPU:0``, their short forms, and how scopes of them merge.

Devices are hints here: they are kept, merged and written as TensorFlow writes them, and every run is local.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class DeviceSpec:
    """A (partial) device: any of job, replica, task, device_type and device_index may be None."""

    __slots__ = ("device_index", "device_type", "job", "replica", "task")

    def __init__(
        self,
        job: str | None = None,
        replica: int | None = None,
        task: int | None = None,
        device_type: str | None = None,
        device_index: int | None = None,
    ) -> None:
        self.job = job
        self.replica = None if replica is None else int(replica)
        self.task = None if task is None else int(task)
        self.device_type = device_type if device_type not in ("cpu", "gpu") else device_type.upper()
        self.device_index = None if device_index is None else int(device_index)

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """Reads ``spec``. Raises ValueError where it is no device string."""
        result = cls()
        for part in spec.split("/"):
            fields = part.split(":")
            key = fields[0]
            if not part:
                continue
            if key in ("job", "replica", "task") and len(fields) == 2:
                setattr(result, key, fields[1] if key == "job" else int(fields[1]))
            elif key.lower() in ("cpu", "gpu", "tpu") and len(fields) <= 2:
                result._set_type(key, fields[1] if len(fields) == 2 else None, spec)
            elif key == "device" and len(fields) in (2, 3):
                result._set_type(fields[1], fields[2] if len(fields) == 3 else None, spec)
            else:
                raise ValueError(f"Unknown attribute: '{key}' in device string '{spec}'")
        return result

    def _set_type(self, device_type: str, index: str | None, spec: str) -> None:
        if self.device_type is not None:
            raise ValueError(f"Cannot specify multiple device types: '{spec}'")
        self.device_type = device_type.upper()
        self.device_index = None if index in (None, "*") else int(index)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Replaces this spec by what ``spec`` says (TensorFlow 1's spelling)."""
        parsed = DeviceSpec.from_string(spec)
        for field in self.__slots__:
            setattr(self, field, getattr(parsed, field))
        return self

    def merge_from(self, other: DeviceSpec) -> None:
        """Takes over every field that ``other`` has set."""
        for field in ("job", "replica", "task"):
            if getattr(other, field) is not None:
                setattr(self, field, getattr(other, field))
        if other.device_type is not None:
            self.device_type, self.device_index = other.device_type, other.device_index

    def to_string(self) -> str:
        """The full form of what is set."""
        parts = []
        if self.job is not None:
            parts.append(f"/job:{self.job}")
        if self.replica is not None:
            parts.append(f"/replica:{self.replica}")
        if self.task is not None:
            parts.append(f"/task:{self.task}")
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            parts.append(f"/device:{self.device_type}:{index}")
        return "".join(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        return f"DeviceSpec({self.to_string()!r})"


@functools.lru_cache(maxsize=1024)
def canonical(device: str) -> str:
    """The full form of a device string (``/gpu:0`` -> ``/device:GPU:0``). Raises ValueError where it is none."""
    return DeviceSpec.from_string(device).to_string()


@functools.lru_cache(maxsize=4096)
def overlay(inner: str, outer: str) -> str:
    """``inner``'s fields, and ``outer``'s where ``inner`` says nothing."""
    merged = DeviceSpec.from_string(outer)
    merged.merge_from(DeviceSpec.from_string(inner))
    return merged.to_string()


def merge_device(spec: Any) -> Callable[[Any], str]:
    """A device function that overlays an operation's own device on ``spec`` (``tf.device(merge_device(...))``)."""
    text = spec.to_string() if isinstance(spec, DeviceSpec) else canonical(spec or "")
    return lambda op: overlay(op.device or "", text)
