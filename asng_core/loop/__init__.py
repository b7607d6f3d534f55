"""The loop over a Minimizer: `minimize` and `maximize`, workers, callbacks, the result."""
