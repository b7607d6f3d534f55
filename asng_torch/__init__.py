"""One-shot architecture search with ASNG, in your own PyTorch training loop."""

try:
    from . import elastic
    from .budget import FrontPoint
    from .choices.cell import Cell
    from .choices.choice import Choice
    from .choices.input_choice import InputChoice
    from .choices.layer_choice import LayerChoice
    from .choices.repeat import Repeat
    from .choices.value_choice import KernelChoice, ValueChoice, WidthChoice
    from .cost import Cost, count
    from .derive import derive
    from .normalization import recalibrate
    from .records import CsvLog, TensorBoardLog
    from .search import Search, SearchRecord
    from .supernet import Supernet
    from .train import evaluate, train
except ModuleNotFoundError as error:
    if error.name not in ("torch", "safetensors", "tqdm"):
        raise
    raise ImportError(f"asng_torch needs {error.name}, which is not installed: pip install 'asng[torch]'.") from error

__all__ = ["Cell", "Choice", "Cost", "CsvLog", "FrontPoint", "InputChoice", "KernelChoice", "LayerChoice", "Repeat",
           "Search", "SearchRecord", "Supernet", "TensorBoardLog", "ValueChoice", "WidthChoice", "count", "derive",
           "elastic", "evaluate", "recalibrate", "train"]
