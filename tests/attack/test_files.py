"""Files: cut, flipped, written on purpose. One documented error, no silent change, and memory in proportion."""

import contextlib
import hashlib
import random
import tracemalloc

import cases
import oracles
import pytest

from asng_core import ASNG, CheckpointError, Minimizer, checkpoint

KINDS = {"ASNG": lambda space: ASNG(space, seed=1), "Minimizer": lambda space: Minimizer(space, seed=1),
         "noisy": lambda space: Minimizer(space, seed=1, noisy=True)}
SPARE = 64 * 2**20


def written(kind, path):
    """A file of a run with open points, and its space."""
    space = cases.SPACES["conditional"]()
    optimizer = KINDS[kind](space)
    for round_ in range(6):
        batch = optimizer.ask(3)
        optimizer.tell(batch[:2], [float(round_), float("nan")])
    optimizer.save(path)
    return type(optimizer), path.read_bytes()


def flipped(content, position, bit):
    return content[:position] + bytes([content[position] ^ 1 << bit]) + content[position + 1 :]


def refuses_each(kind, contents, path):
    for what, content in contents:
        path.write_bytes(content)
        try:
            kind.load(path)
        except CheckpointError:
            continue
        except Exception as error:
            raise AssertionError(f"{what}: {error!r} instead of a CheckpointError") from error
        raise AssertionError(f"{what}: loaded without a word")


def random_flips(content, n, rng):
    for _ in range(n):
        position, bit = rng.randrange(len(content)), rng.randrange(8)
        yield f"bit {bit} of byte {position}", flipped(content, position, bit)


def targeted_flips(content, n, rng):
    """Where a reader looks first: magic, digest, lengths, and the header's numbers, brackets and quotes."""
    header = content[: 48 + int.from_bytes(content[40:48], "little")]
    places = [*range(48), *(i for i in range(48, len(header)) if header[i] in b'0123456789{}[]":,<')]
    for _ in range(n):
        position, bit = rng.choice(places), rng.randrange(8)
        yield f"bit {bit} of byte {position}", flipped(content, position, bit)


def truncations(content, step):
    for end in [*range(0, len(content), step), len(content) - 1]:
        yield f"the first {end} bytes", content[:end]


def check_damaged(kind, n, step, rng, path):
    cls, content = written(kind, path)
    refuses_each(cls, truncations(content, step), path)
    refuses_each(cls, random_flips(content, n, rng), path)
    refuses_each(cls, targeted_flips(content, n, rng), path)


@pytest.mark.parametrize("kind", KINDS)
def test_files_cut_or_flipped_are_refused(kind, tmp_path):
    check_damaged(kind, 300, 97, random.Random(0), tmp_path / "a")


@pytest.mark.attack
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_flips_of_all_kinds_together_are_refused(kind, tmp_path):
    check_damaged(kind, 10_000 // len(KINDS), 7, random.Random(1), tmp_path / "a")


def forged(content, rng):
    """A change within the header or the arrays, with a digest that is right: what an enemy writes."""
    end = 48 + int.from_bytes(content[40:48], "little")
    body = bytearray(content[40:])
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        position = rng.randrange(8, end - 40) if rng.random() < 0.8 else rng.randrange(end - 40, len(body))
        body[position] = rng.choice(b'0123456789{}[]":,-.eaNn') if rng.random() < 0.7 else rng.randrange(256)
    return checkpoint.MAGIC + hashlib.sha256(body).digest() + bytes(body)


def used(optimizer):
    """A loaded file is good for the next calls."""
    points = optimizer.ask(2)
    optimizer.tell(points, [1.0, 2.0])
    optimizer.recommend(), optimizer.summary(), optimizer.best, oracles.exact(optimizer.state_dict())


def check_forged(kind, n, rng, path):
    cls, content = written(kind, path)
    for _ in range(n):
        change = forged(content, rng)
        path.write_bytes(change)
        try:
            optimizer = cls.load(path)
        except CheckpointError:
            continue
        used(optimizer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_file_is_refused_or_good(kind, tmp_path):
    check_forged(kind, 300, random.Random(0), tmp_path / "a")


@pytest.mark.attack
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_forged_files_of_all_kinds_together_are_refused_or_good(kind, tmp_path):
    check_forged(kind, 10_000 // len(KINDS), random.Random(1), tmp_path / "a")


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_takes_no_more_than_64_mb_beyond_the_file(kind, tmp_path):
    cls, content = written(kind, tmp_path / "a")
    rng = random.Random(0)
    tracemalloc.start()
    try:
        for change in [content, *(forged(content, rng) for _ in range(30))]:
            (tmp_path / "a").write_bytes(change)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            with contextlib.suppress(CheckpointError):
                cls.load(tmp_path / "a")
            assert tracemalloc.get_traced_memory()[1] - before < SPARE + 3 * len(change)
    finally:
        tracemalloc.stop()
