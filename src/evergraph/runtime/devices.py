"""The devices of this machine, as TensorFlow lists them: one CPU."""

from __future__ import annotations

from typing import NamedTuple


class DeviceAttributes(NamedTuple):
    """One device (``session.list_devices()``, ``device_lib.list_local_devices()``)."""

    name: str
    device_type: str
    memory_limit_bytes: int
    incarnation: int = 0

    @property
    def memory_limit(self) -> int:
        """The same figure under the name that device_lib gives it."""
        return self.memory_limit_bytes


def local_devices() -> list[DeviceAttributes]:
    """What there is to run on: NumPy, on the processors of this machine."""
    return [DeviceAttributes("/job:localhost/replica:0/task:0/device:CPU:0", "CPU", 1 << 28)]
