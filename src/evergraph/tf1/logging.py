"""``tf.logging``: levels and messages."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.platform.logging": (
        "DEBUG ERROR FATAL INFO WARN debug error fatal flush get_verbosity info log log_every_n "
        "log_first_n log_if set_verbosity vlog warn=warning warning"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.logging", _TABLE)
