"""Bytes to Python and back: what lies in the files, one subject a module.

Nothing here knows about graphs or sessions, and importing this package loads none of its
modules: reading a checkpoint pays for the checkpoint's own formats only.
"""
