"""Pictures, of every kind of variable."""

import math
from itertools import pairwise

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Integer, Ordinal, Space
from asng_torch.cli import pictures

SPACE = Space({"op": Categorical(["a", "b", None]), "skip": Boolean(), "kernel": Ordinal([3, 5, 7]),
               "width": Integer(64, 256), "one": Categorical(["only"])})


@pytest.mark.parametrize("n", [1, 7])
def test_a_distribution_is_drawn(tmp_path, n):
    history = {"op": np.full((n, 3), 1 / 3), "skip": np.full((n, 2), 0.5), "kernel": np.tile([1.0, 0.5], (n, 1)),
               "width": np.tile([160.0, 90.0], (n, 1)), "one": np.ones((n, 1))}
    pictures.draw_distribution(np.arange(1.0, n + 1), history, SPACE, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def figure(monkeypatch):
    """What is drawn, instead of a file."""
    matplotlib = pytest.importorskip("matplotlib.figure")
    drawn = []
    monkeypatch.setattr(matplotlib.Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    return drawn


@pytest.mark.parametrize(("variables", "values"), [(3, 4), (100, 5), (200, 8)])
def test_a_picture_of_many_variables_has_a_bounded_height_and_names_that_can_be_read(variables, values, figure):
    space = Space({f"layers.{i}.choice": Categorical(list(range(values))) for i in range(variables)})
    pictures.draw_distribution(np.arange(2.0), dict.fromkeys(space.names, np.full((2, values), 1 / values)), space, "")
    figure[0].draw_without_rendering()
    height = figure[0].get_size_inches()[1]
    assert height < 17
    axis, bar = figure[0].axes
    boxes = [label.get_window_extent() for label in axis.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(boxes))
    assert bar.get_window_extent().height > 0.3 * min(300, axis.get_window_extent().height)  # dots, 100 an inch


def test_axes_of_losses_are_labelled_as_people_write_numbers_and_the_end_of_the_warmup_is_marked(figure):
    losses = np.geomspace(2.4, 0.0003, 50).tolist()
    pictures.draw_losses(losses, losses, "", warmup=10)
    pictures.draw_losses(losses, losses, "")
    for each, marks in zip(figure, (["the warm-up ends"], []), strict=True):
        each.draw_without_rendering()
        (axis,) = each.axes
        labels = [label.get_text() for which in ("major", "minor")
                  for label in axis.yaxis.get_ticklabels(which=which) if label.get_text()]
        assert len(labels) > 9
        assert all(label.replace(".", "").isdecimal() for label in labels)
        assert len(set(labels)) == len(labels)
        assert [text.get_text() for text in axis.get_legend().get_texts()][2:] == marks


@pytest.mark.parametrize("losses", [[2.3], [math.inf, 2.0, 1.0], [-1.0, 2.0, -3.0, 0.0], [1.0, math.nan, 0.5] * 40])
def test_losses_of_one_step_below_zero_and_of_steps_without_are_all_to_be_seen(losses, figure):
    pictures.draw_losses(losses, losses, "")
    figure[0].draw_without_rendering()
    (axis,) = figure[0].axes
    low, high = axis.get_ylim()
    finite = [loss for loss in losses if math.isfinite(loss)]
    assert low <= min(finite)
    assert max(finite) <= high
    running = axis.get_lines()[1]  # of a mean over the finite ones of its window
    assert np.isfinite(running.get_ydata()).all()
    assert len(running.get_ydata()) > 1 or running.get_marker() not in ("", "None", None)
