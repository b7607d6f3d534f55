"""One-shot search strategies on one supernet, each spending the same number of passes.

A pass is one network run over one batch: with the backward pass in training, forward alone in validation (with
the backward pass too where a strategy's gradient needs it). One half of the embedded training images trains
the weights, the other validates, as in the demo.

  ASNG, SNG      `asng_torch.Search` as users run it; SNG's step size is fixed at 1/n, n the distribution's parameters
  REINFORCE      the same search, the logits moved by Adam with a moving-average baseline, as in ENAS (Pham et al.,
                 ICML 2018); learning rate and baseline of NATS-Bench's code (Dong et al., TPAMI 2021)
    finalists      of both: some of the validation passes judge networks drawn from the final distribution, on the
                 same batches, and the best is taken in place of the mode, as ENAS's authors do (added when the
                 first results were known)
  uniform        the supernet trained by uniformly drawn networks; then, on its weights,
    SPOS           the best on validation of uniformly drawn networks (Guo et al., ECCV 2020)
    evolution      theirs: crossover and mutation of the best networks
    exhaustive     the best of all networks: the ceiling of weight sharing, at more passes
  GDAS           a straight-through Gumbel softmax over one path (Dong & Yang, CVPR 2019), settings of their code; as
                 their network, it leaves out what the operations not chosen would give. In a chain of layers a
                 normalized convolution undoes the chosen one's weight too, so that little signal remains
  DARTS          all operations mixed by a softmax (Liu et al., ICLR 2019), first order, the same settings; a pass of
                 the mixture counts as one for each operation
  HPO            no weights shared: an evaluation trains a network from scratch for an epoch;
                 `asng_core.Minimizer(noisy=True)`, and random search
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import gradient, search, uniform, unshared
from .setup import Setup

SEARCHES: dict[str, Callable[[Setup], str]] = {
    **{name: partial(search.natural, name=name) for name in search.STEP_SIZES}, "REINFORCE": search.reinforce,
    "GDAS": gradient.gdas, "DARTS": gradient.darts,
    "ASNG, finalists": partial(search.natural, name="ASNG", finalists=search.FINALISTS),
    "REINFORCE, finalists": partial(search.reinforce, finalists=search.FINALISTS),
    "HPO, Minimizer": unshared.minimizer, "HPO, random search": unshared.random_search,
}
ON_UNIFORM: dict[str, Callable[[uniform.Judge, int, int], str]] = {
    "uniform, SPOS": uniform.best_of_random, "uniform, evolution": uniform.evolution,
    "uniform, exhaustive": uniform.exhaustive,
}
RUNS = {**SEARCHES, "uniform, SPOS": uniform.spos}
