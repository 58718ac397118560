"""The ops: importing this declares all of them."""

from evergraph.ops import filling, passing, shaping
