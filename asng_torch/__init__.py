"""One-shot architecture search with ASNG, in your own PyTorch training loop."""

try:
    from .budget import FrontPoint
    from .choices.choice import Choice
    from .choices.layer_choice import LayerChoice
    from .derive import derive
    from .records import CsvLog, TensorBoardLog
    from .search import Search, SearchRecord
    from .supernet import Supernet
    from .train import evaluate, train
except ModuleNotFoundError as error:
    if error.name not in ("torch", "safetensors", "tqdm"):
        raise
    raise ImportError(f"asng_torch needs {error.name}, which is not installed: pip install 'asng[torch]'.") from error

__all__ = ["Choice", "CsvLog", "FrontPoint", "LayerChoice", "Search", "SearchRecord", "Supernet", "TensorBoardLog",
           "derive", "evaluate", "train"]
