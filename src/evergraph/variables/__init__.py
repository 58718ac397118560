"""Variables, the scopes that name them, and what initializes them."""
