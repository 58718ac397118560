"""``tf.contrib.training``: waiting for checkpoints."""

from typing import Any

from evergraph.nearest import no_attribute
from evergraph.train.checkpoints_iterator import checkpoints_iterator, wait_for_new_checkpoint

__all__ = ["checkpoints_iterator", "wait_for_new_checkpoint"]


def __getattr__(name: str) -> Any:
    hint = ""
    if name.startswith("evaluate_"):
        hint = (
            " Evaluate in a loop of your own: for path in tf.train.checkpoints_iterator(folder): "
            "saver.restore(session, path); session.run(...)."
        )
    raise no_attribute("tf.contrib.training", name, __all__, hint)
