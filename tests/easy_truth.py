"""One-shot architectures whose loss is the number of layers that differ from a target."""

import numpy as np

TARGET = "5x5 3x3 max 1x1"


def mistakes(words):
    return sum(a != b for a, b in zip(words.split(), TARGET.split(), strict=True))


def judge(architectures):
    return np.array([float(mistakes(words)) for words in architectures])
