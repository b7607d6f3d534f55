"""Plain layers made elastic, with the weights they have."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import nn

from ..choices.searchable import Layout
from ..choices.value_choice import WidthChoice
from ..networks.attention import Attention
from .attention import MultiheadAttention, laid
from .batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .conv import Conv1d, Conv2d, Conv3d, Convolution
from .conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .elastic import Elastic, Width, plain, sources
from .embedding import Embedding
from .heads import Heads, largest
from .linear import Linear
from .norms import GroupNorm, LayerNorm, PReLU, RMSNorm

_M = TypeVar("_M", bound=nn.Module)
_PRODUCERS: tuple[type[Elastic], ...] = (Linear, Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d,
                                         ConvTranspose3d, Embedding)
_FOLLOWERS: tuple[type[Elastic], ...] = BatchNorm1d, BatchNorm2d, BatchNorm3d, LayerNorm, RMSNorm, GroupNorm, PReLU
_TWINS: dict[type[nn.Module], type[Elastic]] = {kind.plain_class: kind for kind in (*_PRODUCERS, *_FOLLOWERS)}


def convert(module: _M, width: Width | None = None, *, after: Layout | None = None) -> _M:
    """Make a layer, or all layers in a module, elastic where they stand, with the weights they have; returns it.

    A layer without a choice follows the width it receives. Where all that can be chosen is the largest, the function
    is the same to the bit: a trained network can be searched. Layers stay the same objects, with the same
    parameters; those that have no elastic form stay as they are, and `Supernet` names them if they cannot follow.

    width: of what a layer gives, at most as wide as it is; of `nn.MultiheadAttention`, how many heads it has, a
        WidthChoice, or elastic.Heads. Only that one has other parameters afterwards, in `q`, `k`, `v` and `out`.
    after: what the layer reads, as elastic layers take it.

    Raises TypeError where there is no width to choose, ValueError for a width that does not fit.

    >>> layer = nn.Linear(4, 8)
    >>> convert(layer, WidthChoice([4, 8])) is layer, type(layer)
    (True, <class 'asng_torch.elastic.linear.Linear'>)
    """
    if type(module) is nn.MultiheadAttention:
        _attention(module, width, after)
        return module
    if width is not None or after is not None:
        layer: Any = module
        if not isinstance(layer, Elastic) and not has_elastic_form(layer):
            raise TypeError("elastic.convert(module) with width or after must get a layer that has an elastic form, "
                            f"got {type(module).__name__}. Let attributes follow the width: elastic.follow.")
        _become(layer, width, after)
        return module
    for layer in list(module.modules()):
        if has_elastic_form(layer):
            _become(layer, None, None)
    return module


def has_elastic_form(layer: nn.Module) -> bool:
    """Whether `convert` makes this plain layer elastic."""
    return type(layer) in _TWINS and getattr(layer, "padding_mode", "zeros") == "zeros" and (
        len(getattr(layer, "normalized_shape", (1,))) == 1)


def _become(layer: Any, width: Width | None, after: Layout | None) -> None:
    """Turn a layer, plain or elastic, into its elastic form with this width."""
    kind = _TWINS.get(type(layer), type(layer))
    if width is not None:
        full = _full_output(layer, kind)
        if not isinstance(width, (WidthChoice, Heads)) or width.full_width != full:
            raise ValueError(f"elastic.convert(width=...) must be a WidthChoice, or Heads, of at most {full}, what the "
                             f"{type(layer).__name__} gives, got {width!r}.")
    read = sources(after)
    width = getattr(layer, "width", None) if width is None else width
    before, layer.__class__ = type(layer), kind
    try:
        if isinstance(layer, Convolution):
            layer.become(width, after, getattr(layer, "kernel", None))
        else:
            layer.width = width
    except ValueError:
        layer.__class__ = before
        raise
    layer.sources = read or layer.sources


def _full_output(layer: Any, kind: type[Elastic]) -> int:
    if kind not in _PRODUCERS:
        raise TypeError("elastic.convert(width=...) is for a layer that gives a width of its own, got "
                        f"{type(layer).__name__}. It follows what it receives.")
    full: Any = kind.full_output
    return int(full.fget(layer))


def _attention(module: Any, heads: Width | None, after: Layout | None) -> None:
    """Turn PyTorch's attention, which has one weight for queries, keys and values, into ours."""
    if {module.kdim, module.vdim} != {module.embed_dim} or module.bias_k is not None or module.add_zero_attn:
        raise ValueError("elastic.convert(MultiheadAttention) must get one without kdim, vdim, add_bias_kv and "
                         "add_zero_attn.")
    number, width = (heads.number, heads.width) if isinstance(heads, Heads) else (heads or module.num_heads,
                                                                                module.head_dim)
    if largest(number) * largest(width) != module.embed_dim:
        raise ValueError(f"elastic.convert(width=...) must be of at most the {module.num_heads} heads of "
                         f"{module.head_dim} features that the MultiheadAttention has, got {heads!r}.")
    inner, layout, said = laid(number, width)
    weights = module.in_proj_weight.chunk(3)
    biases = (None,) * 3 if module.in_proj_bias is None else module.in_proj_bias.chunk(3)
    q, k, v = (plain(nn.Linear, module.out_proj, {"weight": weight, "bias": bias}, module.embed_dim, module.embed_dim,
                    bias is not None) for weight, bias in zip(weights, biases, strict=True))
    out, dropout, batch_first, training = module.out_proj, module.dropout, module.batch_first, module.training
    out.__class__ = nn.Linear  # from a subclass that PyTorch has for its quantization alone
    for layer in (q, k, v):
        _become(layer, inner if isinstance(inner, Heads) else None, after)
    _become(out, None, layout)
    vars(module).clear()
    module.__class__ = MultiheadAttention
    Attention.__init__(module, q, k, v, out, said, dropout, batch_first)
    module.train(training)
