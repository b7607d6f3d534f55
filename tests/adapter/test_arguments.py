"""No constructor takes True for a number, or a number for True: each says which argument of which class it is."""

import pytest
import torch
from searches import build
from torch import nn
from torch.utils.data import TensorDataset

from asng_torch import CsvLog, LayerChoice, train
from asng_torch.data import Augment, ResumableLoader, TensorLoader
from asng_torch.spaces import SearchSettings, TrainSettings, enas_micro
from asng_torch.spaces.cae import SearchableAutoencoder

X = torch.ones(4, 3)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: build(mirrored=1), r"Search\(mirrored=...\) must be True or False, got 1"),
    (lambda: build(until_converged="no"), r"Search\(until_converged=...\) must be True or False, got 'no'"),
    (lambda: build(set_to_none=None), r"Search\(set_to_none=...\) must be True or False, got None"),
    (lambda: TensorLoader(X, X, 2, shuffle=1), r"TensorLoader\(shuffle=...\) must be True or False, got 1"),
    (lambda: ResumableLoader(TensorDataset(X), 2, num_workers=True), r"\(num_workers=...\) must be an integer"),
    (lambda: Augment(flip=1), r"Augment\(flip=...\) must be True or False, got 1"),
    (lambda: CsvLog("log.csv", True), r"CsvLog\(step\) must be an integer, got True"),
    (lambda: enas_micro.network(True, 10, cells=True), r"CellNetwork\(cells\) must be an integer, got True"),
    (lambda: SearchableAutoencoder(True), r"SearchableAutoencoder\(in_channels\) must be an integer, got True"),
    (lambda: SearchableAutoencoder(1, channels=(8, True)), r"\(channels=...\) must be an integer, got True"),
    (lambda: SearchSettings(True, 16, 0.1), r"SearchSettings\(epochs\) must be an integer, got True"),
    (lambda: TrainSettings(1, True, 0.1), r"TrainSettings\(batch_size\) must be an integer, got True"),
    (lambda: train(nn.Linear(3, 3), TensorLoader(X, X, 2), epochs=1.5, learning_rate=0.1), r"\(epochs\) must be an"),
    (lambda: LayerChoice({3: nn.ReLU()}), r"LayerChoice\(candidates\) must map names to modules, got 3: ReLU"),
])
def test_a_truth_is_no_number_and_a_number_no_truth(make, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match=message):
        make()
