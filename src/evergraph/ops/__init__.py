"""The ops: importing this package declares all of them."""

import evergraph.ops.arg_reductions
import evergraph.ops.concatenation
import evergraph.ops.filling
import evergraph.ops.matmul
import evergraph.ops.padding
import evergraph.ops.passing
import evergraph.ops.reductions
import evergraph.ops.resources
import evergraph.ops.segments
import evergraph.ops.shaping
import evergraph.ops.slicing
import evergraph.ops.space_batch
import evergraph.ops.splitting
import evergraph.ops.stacking
import evergraph.ops.state
import evergraph.ops.state_scatter
import evergraph.ops.strided
import evergraph.ops.tiling
import evergraph.ops.training
import evergraph.ops.transposing
