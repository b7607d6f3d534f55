"""`Minimizer` as a sampler of Optuna (PyPI `optuna`, 5.0).

    from asng_core.integrations.optuna import ASNGSampler
    study = optuna.create_study(sampler=ASNGSampler(seed=0))
"""

try:
    from .sampler import ASNGSampler
except ImportError as error:
    raise ImportError("asng_core.integrations.optuna needs Optuna 5. Run: pip install 'asng[optuna]'") from error

__all__ = ["ASNGSampler"]
