"""What is composed of ops: layers, losses, metrics."""
