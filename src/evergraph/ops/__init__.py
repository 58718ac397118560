"""The ops: importing this package declares all of them."""

import evergraph.ops.concatenation
import evergraph.ops.filling
import evergraph.ops.passing
import evergraph.ops.resources
import evergraph.ops.shaping
import evergraph.ops.slicing
import evergraph.ops.splitting
import evergraph.ops.stacking
import evergraph.ops.state
import evergraph.ops.state_scatter
import evergraph.ops.strided
import evergraph.ops.training
