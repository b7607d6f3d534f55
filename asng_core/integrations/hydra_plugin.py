"""What the wheel has as `hydra_plugins/asng_sweeper.py`, where Hydra looks for plugins."""

from asng_core.integrations import hydra


class ASNGSweeper(hydra.ASNGSweeper):
    """The same, in the package that Hydra believes."""
