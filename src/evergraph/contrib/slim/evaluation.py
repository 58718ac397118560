"""``tf.contrib.slim.evaluation``: waiting for checkpoints."""

from evergraph.train.checkpoints_iterator import checkpoints_iterator, wait_for_new_checkpoint

__all__ = ["checkpoints_iterator", "wait_for_new_checkpoint"]
