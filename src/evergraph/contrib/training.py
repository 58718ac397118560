"""``tf.contrib.training``: waiting for checkpoints."""

from typing import Any

from evergraph.errors import documented
from evergraph.nearest import did_you_mean
from evergraph.train.checkpoints_iterator import checkpoints_iterator, wait_for_new_checkpoint

__all__ = ["checkpoints_iterator", "wait_for_new_checkpoint"]


def __getattr__(name: str) -> Any:
    message = f"module 'tf.contrib.training' has no attribute '{name}' in evergraph."
    if name.startswith("evaluate_"):
        message += (
            " Evaluate in a loop of your own: for path in tf.train.checkpoints_iterator(folder): "
            "saver.restore(session, path); session.run(...)."
        )
    elif not name.startswith("__"):
        message += did_you_mean(name, __all__)
    raise documented(AttributeError(message))
