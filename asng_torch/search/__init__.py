"""The loop: shared weights and the distribution over architectures, trained in turns."""
