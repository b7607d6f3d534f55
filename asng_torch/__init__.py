"""One-shot architecture search with ASNG, in your own PyTorch training loop."""

try:
    from . import elastic
    from .cells.draw import draw_cell
    from .cells.genotype import from_genotype, to_genotype
    from .choices.cell import Cell
    from .choices.choice import Choice
    from .choices.input_choice import InputChoice
    from .choices.layer_choice import LayerChoice
    from .choices.repeat import Repeat
    from .choices.switchable import Switchable
    from .choices.value_choice import KernelChoice, ValueChoice, WidthChoice
    from .networks import derived
    from .networks.normalization import recalibrate
    from .search.budget import FrontPoint
    from .search.distributed import average_gradients, averaged, synchronized
    from .search.latency import Latency
    from .search.records import CsvLog, MLflowLog, SearchRecord, TensorBoardLog
    from .search.search import Search
    from .staged.jobs import Trained
    from .staged.staged import Staged
    from .staged.trainer import Trainer
    from .supernet.architecture import load_architecture, save_architecture
    from .supernet.cost import Cost, count
    from .supernet.derive import derive
    from .supernet.sort_channels import sort_channels
    from .supernet.supernet import Supernet
    from .train.evaluation import evaluate
    from .train.training import train
except ModuleNotFoundError as error:
    if error.name not in ("torch", "safetensors", "tqdm"):
        raise
    raise ImportError(f"asng_torch needs {error.name}, which is not installed: pip install 'asng[torch]'.") from error

__all__ = ["Cell", "Choice", "Cost", "CsvLog", "FrontPoint", "InputChoice", "KernelChoice", "Latency", "LayerChoice",
           "MLflowLog", "Repeat", "Search", "SearchRecord", "Staged", "Supernet", "Switchable", "TensorBoardLog",
           "Trained", "Trainer", "ValueChoice", "WidthChoice",
           "average_gradients", "averaged", "count", "derive", "derived", "draw_cell", "elastic", "evaluate",
           "from_genotype", "load_architecture", "recalibrate", "save_architecture", "sort_channels", "synchronized",
           "to_genotype", "train"]
