"""Fuzzing of everything that reads what strangers wrote: `python -m fuzz TARGET --seconds 60`.

A target (`targets.py`) takes bytes and hands them to one parser. What must hold of it, whatever the bytes
(`properties.py`): it ends, soon; its memory is a bounded multiple of the input; it raises the documented classes of
errors and no others. Where checksums would stop blind changes at the door, a target repairs them (`repair.py`).

With atheris (`pip install -e '.[fuzz]'`) changes are guided by what code they reach; without it they are random, from
a seed, as in the tests.
"""
