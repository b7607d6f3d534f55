"""What OptunaHub's registry loads: the sampler is in the package `asng`."""

from asng_core.integrations.optuna import ASNGSampler

__all__ = ["ASNGSampler"]
