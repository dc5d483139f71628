"""Between sequences in their units and the scaled arrays that a network sees, and back."""

from dataclasses import asdict, dataclass

import numpy as np

from zoo.data.errors import DataError
from zoo.data.scaling import Standardizer
from zoo.data.sequences import check_array

RELATIONS = ("level", "ratio", "difference")


@dataclass(frozen=True)
class SequenceScaling:
    """What is learned from the training part, and what the network's outputs mean.

        level        ŷ = ȳ + σ n            n the network's output, ȳ and σ mean and deviation of the training outputs
        ratio        ŷ = σ g n,  g = r / σ  r the reference, given to the network as a gain
        difference   ŷ = r + d̄ + σ n        d̄ and σ those of y − r; references enter as their change since the step before

    Arguments:
        relation: which of the three.
        inputs, features, outputs, reference, lower, steps: of the training sequences.
        x, vector, y: Standardizers.
    """

    relation: str
    inputs: tuple
    features: tuple
    outputs: tuple
    reference: tuple
    lower: float | None
    steps: int
    x: Standardizer
    vector: Standardizer
    y: Standardizer

    @classmethod
    def fit(cls, train, relation):
        """Raises DataError where an output is constant, or a relation needs a reference that there is none of."""
        if relation != "level" and not train.reference:
            raise DataError(
                f"relation={relation!r} needs a reference: Sequences(reference=…) names an input for each output."
            )
        flat = train.y.reshape(-1, train.y.shape[2])
        if (np.ptp(flat, axis=0) == 0).any():
            name = train.outputs[int(np.argmin(np.ptp(flat, axis=0)))]
            raise DataError(f"The output {name!r} is constant over the training part: there is nothing to learn.")
        if relation == "difference":
            flat = flat - train.refers.reshape(flat.shape)
        y = Standardizer.of(flat)
        if relation == "ratio":
            y = Standardizer((0.0,) * len(y.std), y.std)
        layout = {n: getattr(train, n) for n in ("inputs", "features", "outputs", "reference", "lower")}
        nothing = Standardizer((), ())
        bare = cls(relation, **layout, steps=train.y.shape[1], x=nothing, vector=nothing, y=y)
        x = bare.moved(train.x).reshape(train.y.shape[0] * train.y.shape[1], train.x.shape[2])
        return cls(**{**bare.__dict__, "x": Standardizer.of(x), "vector": Standardizer.of(train.vector)})

    def moved(self, x, before=None):
        """The inputs, where the relation is a difference with each reference's change since the step before: 0 at the first.

        before: the inputs of the step before the first, (sequences, inputs).
        """
        if self.relation != "difference":
            return x
        columns = sorted({self.inputs.index(name) for name in self.reference})
        moved, first = x.copy(), x[:, :1] if before is None else before[:, None]
        moved[..., columns] = np.diff(np.concatenate([first, x], axis=1), axis=1)[..., columns]
        return moved

    def refers(self, x):
        return x[..., [self.inputs.index(name) for name in self.reference]]

    def given(self, x, vector, before=None):
        """The arrays of the network, in its order."""
        arrays = [self.vector.scale(vector)] if self.features else []
        arrays += [self.x.scale(self.moved(x, before))] if self.inputs else []
        arrays += [self.refers(x) / np.array(self.y.std)] if self.relation == "ratio" else []
        return [array.astype("float32") for array in arrays]

    def targets(self, part):
        y = part.y - part.refers if self.relation == "difference" else part.y
        return self.y.scale(y).astype("float32")

    def restored(self, network, x):
        """The network's outputs in the outputs' units, not below the least possible."""
        y = self.y.unscale(np.asarray(network, "float64"))
        y = y + self.refers(x) if self.relation == "difference" else y
        return y if self.lower is None else np.maximum(y, self.lower)

    def check(self, x, vector):
        """x and vector as float64 arrays that fit the training's, and whether they are of one sequence only.

        Raises:
            DataError: one is missing, too much, of another width or length, or not finite.
        """
        expected = {"x": (x, self.inputs, 3), "vector": (vector, self.features, 2)}
        found, single = {}, []
        for what, (values, names, axes) in expected.items():
            if (values is None) != (not names):
                has = f"{len(names)} column(s): {', '.join(names)}" if names else "no columns"
                raise DataError(f"The model was trained with {has} of {what}. Received: {what}={type(values).__name__}")
            if values is None:
                continue
            values = np.asarray(values)
            single.append(values.ndim == axes - 1)
            values = check_array(what, values[None] if single[-1] else values)
            if values.shape[-1] != len(names):
                raise DataError(
                    f"{what} has {values.shape[-1]} column(s); the model was trained with {len(names)}: {', '.join(names)}."
                )
            found[what] = values
        count = len(next(iter(found.values())))
        x = found.get("x", np.zeros((count, self.steps, 0)))
        vector = found.get("vector", np.zeros((count, 0)))
        if len(x) != len(vector) or len(set(single)) > 1:
            raise DataError(
                f"x and vector are of different sequences: {len(x)} and {len(vector)}. Give one vector a sequence."
            )
        if self.features and x.shape[1] != self.steps:
            raise DataError(f"The model gives sequences of {self.steps} steps. Received: x with {x.shape[1]}.")
        return x, vector, single[0]

    def to_config(self):
        return asdict(self)

    @classmethod
    def from_config(cls, config):
        lists = {n: tuple(config[n]) for n in ("inputs", "features", "outputs", "reference")}
        scalers = {n: Standardizer.from_config(config[n]) for n in ("x", "vector", "y")}
        return cls(**{**config, **lists, **scalers})
