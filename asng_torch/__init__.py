"""One-shot architecture search with ASNG, in your own PyTorch training loop."""

try:
    from . import elastic
    from .choices.cell import Cell
    from .choices.choice import Choice
    from .choices.input_choice import InputChoice
    from .choices.layer_choice import LayerChoice
    from .choices.repeat import Repeat
    from .choices.value_choice import KernelChoice, ValueChoice, WidthChoice
    from .cost import Cost, count
    from .derive import derive
    from .normalization import recalibrate
    from .search import Search, SearchRecord
    from .supernet import Supernet
    from .train import evaluate, train
except ModuleNotFoundError as error:
    if error.name not in ("torch", "safetensors", "tqdm"):
        raise
    raise ImportError(f"asng_torch needs {error.name}, which is not installed: pip install 'asng[torch]'.") from error

__all__ = ["Cell", "Choice", "Cost", "InputChoice", "KernelChoice", "LayerChoice", "Repeat", "Search", "SearchRecord",
           "Supernet", "ValueChoice", "WidthChoice", "count", "derive", "elastic", "evaluate", "recalibrate", "train"]
