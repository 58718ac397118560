"""What a TensorFlow program expects around it and that no graph is needed for: flags, logging, versions."""
