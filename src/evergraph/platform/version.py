"""What ``tf.__version__`` and its company say.

Programs parse these to choose between spellings; what they choose for 1.15 is what evergraph answers to.
"""

from __future__ import annotations

VERSION = "1.15.5"
GIT_VERSION = f"v{VERSION}-evergraph"
COMPILER_VERSION = "Python"
CXX11_ABI_FLAG = 0
MONOLITHIC_BUILD = 0
