"""Where bytes live: files that are read by position, published all or nothing, and ``gfile``.

Importing this package loads none of its modules.
"""
