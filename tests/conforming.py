"""A tiny optimizer that passes every check of `asng_core.testing`: a (1+1) evolution, its file JSON and a digest."""

import hashlib
import json
import math
import numbers
import operator
from collections import namedtuple

import numpy as np

Best = namedtuple("Best", "values loss")


class Point(dict):
    """The values, and an id."""

    def __init__(self, values, id):
        super().__init__(values)
        self.id = id


class Reference:
    """Mutates the best point; a point that nobody has been told about is drawn anywhere."""

    def __init__(self, space, *, seed=None):
        self.space, self.rng = space, np.random.default_rng(seed)
        self.open, self.n_asked, self.found = {}, 0, None

    # what mutants change

    def count(self, n):
        if operator.index(n) < 1:
            raise ValueError("n must be at least 1")
        return n

    def loss(self, value):
        if isinstance(value, (str, bytes)) or not (isinstance(value, numbers.Real) or getattr(value, "ndim", 1) == 0):
            raise TypeError("a loss must be a number")
        return float(value)

    def ids(self, points):
        """The ids of open points, each once."""
        if not all(isinstance(point, Point) and point.id in self.open for point in points):
            raise ValueError("a point is not open")
        ids = [point.id for point in points]
        if len(set(ids)) < len(ids):
            raise ValueError("a point comes twice")
        if any(self.open[point.id].tobytes() != self.space.encode(point).tobytes() for point in points):
            raise ValueError("a point is of another optimizer")
        return ids

    def better(self, loss):
        return not math.isnan(loss) and (self.found is None or loss < self.found[1])

    def anywhere(self):
        s, u = self.space, self.rng.random(len(self.space))
        codes = np.where(s.continuous, s.lows + u * (s.highs - s.lows), np.minimum(np.floor(u * s.sizes), s.highs))
        return codes.astype(s.dtype)

    def draw(self):
        codes = self.anywhere()
        if self.found is not None:
            free = self.rng.random(len(codes)) < 0.3
            kept = self.found[0]
            known = (kept != -1) & (kept == kept)
            codes = np.where(free | ~known, codes, kept).astype(self.space.dtype)
        return codes

    def point(self, codes, id):
        return Point(self.space.values(codes[None])[0], id)

    def propose(self):
        while True:
            codes = self.space.masked(self.draw()[None])[0]
            if self.space.feasible(self.space.values(codes[None])[0]):
                return codes

    # ask and tell

    def ask(self, n):
        points = []
        for _ in range(self.count(n)):
            codes = self.propose()
            points.append(self.point(codes, self.n_asked))
            self.open[self.n_asked] = codes
            self.n_asked += 1
        return points

    def tell(self, points, losses):
        if len(points) != len(losses):
            raise ValueError("as many losses as points")
        values, ids = [self.loss(value) for value in losses], self.ids(points)
        for number, value in zip(ids, values, strict=True):
            self.note(self.open.pop(number), value)

    def note(self, codes, loss):
        if self.better(loss):
            self.found = codes, loss

    @property
    def best(self):
        return None if self.found is None else Best(self.space.values(self.found[0][None])[0], self.found[1])

    # files

    def state_dict(self):
        plain = lambda codes: {"dtype": codes.dtype.str, "hex": codes.tobytes().hex()}  # noqa: E731
        return {"rng": self.rng.bit_generator.state, "n_asked": self.n_asked,
                "open": {str(number): plain(codes) for number, codes in self.open.items()},
                "found": None if self.found is None else [plain(self.found[0]), self.found[1].hex()]}

    def text(self):
        return json.dumps(self.state_dict()).encode()

    def save(self, path):
        content = self.text()
        with open(path, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)

    @classmethod
    def load(cls, path, space):
        with open(path, "rb") as file:
            content = file.read()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            raise ValueError("the file is damaged")
        return cls.restored(space, json.loads(content[32:]))

    @classmethod
    def restored(cls, space, state):
        codes = lambda plain: np.frombuffer(bytes.fromhex(plain["hex"]), plain["dtype"])  # noqa: E731
        new = cls(space, seed=0)
        new.rng.bit_generator.state, new.n_asked = state["rng"], state["n_asked"]
        new.open = {int(number): codes(plain) for number, plain in state["open"].items()}
        if state["found"] is not None:
            new.found = codes(state["found"][0]), float.fromhex(state["found"][1])
        return new


