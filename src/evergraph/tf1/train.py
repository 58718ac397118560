"""``tf.train``: optimizers, checkpoints, MetaGraphs."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.train.adadelta": "AdadeltaOptimizer",
    "evergraph.train.adagrad": "AdagradOptimizer",
    "evergraph.train.adam": "AdamOptimizer",
    "evergraph.train.checkpoints": (
        "checkpoint_exists generate_checkpoint_state_proto get_checkpoint_mtimes "
        "get_checkpoint_state latest_checkpoint remove_checkpoint update_checkpoint_state"
    ),
    "evergraph.train.checkpoint_reader": (
        "NewCheckpointReader=new_checkpoint_reader list_variables load_checkpoint load_variable"
    ),
    "evergraph.train.checkpoints_iterator": "checkpoints_iterator",
    "evergraph.train.coordinator": "Coordinator LooperThread",
    "evergraph.train.ftrl": "FtrlOptimizer",
    "evergraph.train.cluster": "ClusterSpec Server",
    "evergraph.train.global_step": (
        "assert_global_step create_global_step get_global_step get_or_create_global_step "
        "global_step"
    ),
    "evergraph.train.gradient_descent": "GradientDescentOptimizer",
    "evergraph.train.init_from_checkpoint": "init_from_checkpoint",
    "evergraph.train.learning_rate_decay": (
        "cosine_decay cosine_decay_restarts exponential_decay inverse_time_decay "
        "linear_cosine_decay natural_exp_decay noisy_linear_cosine_decay piecewise_constant "
        "piecewise_constant_decay=piecewise_constant polynomial_decay"
    ),
    "evergraph.train.meta_graph": "export_meta_graph write_graph",
    "evergraph.train.momentum": "MomentumOptimizer",
    "evergraph.train.optimizer": "Optimizer",
    "evergraph.train.proximal": "ProximalAdagradOptimizer ProximalGradientDescentOptimizer",
    "evergraph.train.queue_runner": (
        "QueueRunner add_queue_runner queue_runner=. start_queue_runners"
    ),
    "evergraph.train.rmsprop": "RMSPropOptimizer",
    "evergraph.train.saver": "Saver import_meta_graph",
    "evergraph.train.warm_start": "VocabInfo warm_start",
    "evergraph.variables.moving_averages": "ExponentialMovingAverage",
    "evergraph.formats.events": "summary_iterator",
    "evergraph.formats.protos": (
        "BytesList ClusterDef Example Feature FeatureList FeatureLists Features FloatList "
        "Int64List JobDef SaverDef SequenceExample ServerDef"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.train", _TABLE)
