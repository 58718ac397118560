"""The ops: importing this package declares all of them."""

import evergraph.ops.filling
import evergraph.ops.passing
import evergraph.ops.resources
import evergraph.ops.shaping
import evergraph.ops.state
import evergraph.ops.state_scatter
import evergraph.ops.training
