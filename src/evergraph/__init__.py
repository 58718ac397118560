"""evergraph: TensorFlow 1's graph, session, saver and file formats, without TensorFlow."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
