"""The ops: importing this package declares all of them."""

import evergraph.ops.filling
import evergraph.ops.passing
import evergraph.ops.shaping
