"""Files made to harm who opens them: how each is made, and what comes of it. See README.md.

    python -m attacks                                  every attack against evergraph
    python -m attacks --tensorflow .oracle/tf2.15/bin/python    the same against stock TensorFlow

An attack is a module here: its documentation tells the idea, `make(folder)` writes the files, `WAY` says how a victim
opens them (`ways.py`), `ERRORS` which classes of errors evergraph answers with.
"""
