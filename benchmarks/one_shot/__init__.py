"""One-shot search judged by a ground truth: a space in which every network has been trained from scratch."""
