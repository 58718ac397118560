"""Measurements against stock TensorFlow and the raw limit of the machine: ``make bench``."""
