"""``tf.logging``: TensorFlow's levels over Python's own logging.

Lines look as TensorFlow 1 wrote them, ``INFO:tensorflow:step 10``, and go to standard error. The
logger is Python's ``"tensorflow"``; evergraph's own notices (logger ``"evergraph"``) follow its level.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from typing import Any

DEBUG = logging.DEBUG
INFO = logging.INFO
WARN = logging.WARNING
ERROR = logging.ERROR
FATAL = logging.FATAL

_NAME = "tensorflow"
_OWN_NOTICES = "evergraph"
_calls: Counter[tuple[str, int]] = Counter()


def get_logger() -> logging.Logger:
    """The logger that these functions write to."""
    logger = logging.getLogger(_NAME)
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(WARN)
    return logger


def get_verbosity() -> int:
    """The level from which on messages are written; WARN unless it has been set."""
    return get_logger().level


def set_verbosity(v: int) -> None:
    """Sets the level from which on messages are written: DEBUG, INFO, WARN, ERROR or FATAL."""
    get_logger().setLevel(v)
    logging.getLogger(_OWN_NOTICES).setLevel(v)


def log(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    """Writes ``msg % args`` at ``level``."""
    get_logger().log(level, msg, *args, **kwargs)


def debug(msg: str, *args: Any, **kwargs: Any) -> None:
    get_logger().debug(msg, *args, **kwargs)


def info(msg: str, *args: Any, **kwargs: Any) -> None:
    get_logger().info(msg, *args, **kwargs)


def warning(msg: str, *args: Any, **kwargs: Any) -> None:
    get_logger().warning(msg, *args, **kwargs)


def error(msg: str, *args: Any, **kwargs: Any) -> None:
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: str, *args: Any, **kwargs: Any) -> None:
    get_logger().fatal(msg, *args, **kwargs)


def vlog(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    """Writes at a numeric level."""
    get_logger().log(level, msg, *args, **kwargs)


def log_if(level: int, msg: str, condition: Any, *args: Any) -> None:
    """Writes where ``condition`` holds."""
    if condition:
        get_logger().log(level, msg, *args)


def log_every_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Writes at the first call from this line and at every ``n``-th after it."""
    log_if(level, msg, _count() % n == 0, *args)


def log_first_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Writes at the first ``n`` calls from this line."""
    log_if(level, msg, _count() < n, *args)


def _count() -> int:
    """How often the caller of the caller's line has been here before."""
    frame = sys._getframe(2)
    place = (frame.f_code.co_filename, frame.f_lineno)
    _calls[place] += 1
    return _calls[place] - 1


def flush() -> None:
    """Writes out what is buffered."""
    for handler in get_logger().handlers:
        handler.flush()
