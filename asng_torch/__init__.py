"""One-shot architecture search with ASNG in your own PyTorch training loop."""
