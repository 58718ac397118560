"""tf.logging, in a process of its own: what reaches standard error depends on who logged first."""

from __future__ import annotations

import subprocess
import sys


def stderr_of(body: str) -> list[str]:
    source = "from evergraph.platform import logging\n" + body
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_warnings_are_shown_and_information_is_not() -> None:
    assert stderr_of("logging.info('no'); logging.warn if 0 else logging.warning('a %d', 1)") == [
        "WARNING:tensorflow:a 1"
    ]


def test_verbosity() -> None:
    lines = stderr_of(
        "logging.set_verbosity(logging.INFO)\n"
        "assert logging.get_verbosity() == logging.INFO == 20\n"
        "logging.info('step %d', 3); logging.debug('no'); logging.log(logging.ERROR, 'bad')\n"
        "logging.set_verbosity(logging.FATAL); logging.error('no'); logging.fatal('end')\n"
    )
    assert lines == ["INFO:tensorflow:step 3", "ERROR:tensorflow:bad", "CRITICAL:tensorflow:end"]


def test_verbosity_holds_for_evergraphs_own_notices() -> None:
    body = "import logging as python\npython.getLogger('evergraph').warning('mind')\n"
    assert stderr_of(body) == ["mind"]
    assert stderr_of("logging.set_verbosity(logging.ERROR)\n" + body) == []


def test_some_of_many() -> None:
    lines = stderr_of(
        "for i in range(7):\n"
        "    logging.log_every_n(logging.WARN, 'every %d', 3, i)\n"
        "    logging.log_first_n(logging.WARN, 'first %d', 2, i)\n"
        "    logging.log_if(logging.WARN, 'if %d', i == 5, i)\n"
    )
    said = [line.removeprefix("WARNING:tensorflow:") for line in lines]
    assert said == ["every 0", "first 0", "first 1", "every 3", "if 5", "every 6"]


def test_a_handler_of_the_program_is_enough() -> None:
    lines = stderr_of(
        "import logging as python\npython.basicConfig(format='mine %(message)s')\nlogging.error('x')"
    )
    assert lines == ["mine x"]
