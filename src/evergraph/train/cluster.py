"""Clusters of distributed programs: described as TensorFlow describes them, and run here in this process alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from evergraph.formats.protos import ClusterDef, ServerDef

_LOCAL = "evergraph runs every graph in this process: the tasks of the cluster are not contacted."


class ClusterSpec:
    """The jobs of a cluster and the addresses of their tasks (``tf.train.ClusterSpec``).

    Args:
      cluster: a dict of jobs, each a list of addresses or a dict of task index to address; a
        ClusterDef; or a ClusterSpec.

    Raises:
      TypeError: it is none of these.
    """

    def __init__(self, cluster: Any) -> None:
        self._jobs: dict[str, dict[int, str]] = {}
        if isinstance(cluster, ClusterSpec):
            self._jobs = {job: dict(tasks) for job, tasks in cluster._jobs.items()}
        elif isinstance(cluster, ClusterDef):
            self._jobs = {job.name: dict(job.tasks) for job in cluster.job}
        elif isinstance(cluster, Mapping):
            for job, tasks in cluster.items():
                if not isinstance(tasks, (list, tuple, Mapping)):
                    raise TypeError(
                        f"The tasks for job {job!r} must be a list or a dictionary of addresses."
                    )
                pairs = tasks.items() if isinstance(tasks, Mapping) else enumerate(tasks)
                self._jobs[job] = {int(index): str(address) for index, address in pairs}
        else:
            raise TypeError(
                "`cluster` must be a dictionary of job names to addresses, a `ClusterDef` or a `ClusterSpec`"
            )

    @property
    def jobs(self) -> list[str]:
        return list(self._jobs)

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has. Raises ValueError where there is no such job."""
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The indices of a job's tasks, in order. Raises ValueError where there is no such job."""
        return sorted(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task. Raises ValueError where there is no such job or task."""
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """The addresses of a job's tasks by index, None where an index is left out."""
        tasks = self._tasks(job_name)
        return [tasks.get(i) for i in range(max(tasks, default=-1) + 1)]

    def _tasks(self, job_name: str) -> dict[int, str]:
        if job_name not in self._jobs:
            raise ValueError(
                f"No such job in cluster: {job_name!r} (there are {', '.join(self._jobs)})"
            )
        return self._jobs[job_name]

    def as_dict(self) -> dict[str, Any]:
        """The jobs: lists of addresses where the indices have no gaps, else dicts."""
        return {
            job: [tasks[i] for i in sorted(tasks)]
            if sorted(tasks) == list(range(len(tasks)))
            else dict(tasks)
            for job, tasks in self._jobs.items()
        }

    def as_cluster_def(self) -> Any:
        """The same as a ClusterDef message."""
        message = ClusterDef()
        for job, tasks in sorted(self._jobs.items()):
            entry = message.job.add(name=job)
            for index, address in sorted(tasks.items()):
                entry.tasks[index] = address
        return message

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __hash__(self) -> int:
        return hash(repr(sorted(self.as_dict())))

    def __repr__(self) -> str:
        return f"ClusterSpec({self.as_dict()!r})"


class Server:
    """A task of a cluster (``tf.train.Server``). Its ``target`` is this process, and a warning says so."""

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: Any = None,
        start: bool = True,
    ) -> None:
        if isinstance(server_or_cluster_def, ServerDef):
            self.server_def = ServerDef()
            self.server_def.CopyFrom(server_or_cluster_def)
        else:
            cluster = ClusterSpec(server_or_cluster_def)
            job = job_name or (cluster.jobs[0] if len(cluster.jobs) == 1 else "")
            self.server_def = ServerDef(
                cluster=cluster.as_cluster_def(),
                job_name=job,
                task_index=task_index or 0,
                protocol=protocol or "grpc",
            )
        warnings.warn(_LOCAL, stacklevel=2)

    @property
    def target(self) -> str:
        """What a Session is given: the empty target, which is this process."""
        return ""

    def start(self) -> None:
        """Nothing to start."""

    def join(self) -> None:
        """Returns at once: a parameter server has nobody to serve here. TensorFlow's waits for ever."""
        warnings.warn(_LOCAL, stacklevel=2)

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Server:
        """A server that is a cluster of its own."""
        return Server({"local": ["localhost:0"]}, config=config, start=start)
