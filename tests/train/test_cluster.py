"""Descriptions of clusters, and that runs are local."""

from __future__ import annotations

import pytest

from evergraph import tf1 as tf


def test_a_cluster_is_described() -> None:
    cluster = tf.train.ClusterSpec({"ps": ["a:1"], "worker": {0: "b:1", 2: "c:1"}})
    assert cluster.jobs == ["ps", "worker"]
    assert cluster.num_tasks("worker") == 2
    assert cluster.task_indices("worker") == [0, 2]
    assert cluster.task_address("worker", 2) == "c:1"
    assert cluster.job_tasks("worker") == ["b:1", None, "c:1"]
    assert cluster.as_dict() == {"ps": ["a:1"], "worker": {0: "b:1", 2: "c:1"}}
    assert tf.train.ClusterSpec(cluster.as_cluster_def()) == cluster
    with pytest.raises(ValueError, match="No such job"):
        cluster.num_tasks("chief")
    with pytest.raises(TypeError, match="must be a dictionary"):
        tf.train.ClusterSpec(["a:1"])


def test_runs_are_local_and_a_warning_says_so() -> None:
    with pytest.warns(UserWarning, match="in this process"):
        server = tf.train.Server({"worker": ["a:1", "b:1"]}, task_index=1)
    assert (server.server_def.job_name, server.server_def.task_index) == ("worker", 1)
    with tf.Graph().as_default(), tf.Session(server.target) as session:
        assert session.run(tf.constant(3)) == 3
    with pytest.warns(UserWarning, match="in this process"):
        server.join()
    with tf.Graph().as_default(), pytest.warns(UserWarning, match="not contacted"):
        tf.Session("grpc://a:1")
