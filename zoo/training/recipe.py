"""How a network is trained, as data."""

from dataclasses import asdict, dataclass, fields
from numbers import Integral

from zoo.data.errors import near
from zoo.training.evolve import METHODS as SEARCHES
from zoo.training.second_order import BAYES

LARGEST_FOR_LM = 2000
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True)
class Recipe:
    """A training recipe.

    Arguments:
        method: "lm" (Levenberg-Marquardt), "adam", or "auto": lm up to 2,000 weights, adam above.
        epochs: at most so many passes over the training part (of each stage).
        patience: epochs without a better validation error before stopping.
        restarts: trainings from different initial weights; the best on the validation part is kept (lm).
        decay: weight of the penalty |θ|² beside the sum of squared errors, or "bayes" to find it from the data (lm); or
            AdamW's weight decay.
        closed_loop: stages of training in closed loop after the one in open loop: how many steps the network runs on its
            own outputs before it is given the truth again, None for the whole record; () for open loop alone. Such as
            (20, None).
        search: "genetic" or "annealing" to search for the initial weights of each start instead of drawing them (lm, NARX;
            `zoo.training.evolve`). Mostly more restarts without it do better in the same time.
        evaluations: how many weights such a search tries.
        refit: epochs of a last training on the training and validation part together, from the chosen weights; 0 for none.
        learning_rate, batch_size: of adam.
        schedule: of adam's learning rate: "constant", or "cosine", to 0 over all epochs.
        clip_norm: the norm to which all of adam's gradients together are clipped; None for none.
        clip_value: the bounds ± to which each of them is clipped; None for none.
        bptt_steps: how many steps back the gradient reaches through a run of a whole record (adam).

    Raises:
        ValueError: a value is outside its range.
    """

    method: str = "auto"
    epochs: int = 200
    patience: int = 10
    restarts: int = 1
    decay: float | str = 0.0
    closed_loop: tuple = ()
    search: str | None = None
    evaluations: int = 2000
    refit: int = 0
    learning_rate: float = 1e-3
    batch_size: int = 64
    bptt_steps: int = 100
    schedule: str = "constant"
    clip_norm: float | None = None
    clip_value: float | None = None

    def __post_init__(self):
        object.__setattr__(self, "closed_loop", tuple(self.closed_loop))  # a list, from JSON
        if self.method not in ("auto", "lm", "adam"):
            raise ValueError(f'method must be "auto", "lm" or "adam". Received: {self.method!r}')
        for name in ("epochs", "patience", "restarts", "evaluations", "batch_size", "bptt_steps"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1. Received: {value!r}")
        if self.search is not None and self.search not in SEARCHES:
            raise ValueError(f"search must be one of {sorted(SEARCHES)}, or None. Received: {self.search!r}")
        if self.search is not None and self.method == "adam":
            raise ValueError(f'search={self.search!r} is for method="lm". Received: method="adam"')
        if not isinstance(self.refit, Integral) or self.refit < 0:
            raise ValueError(f"refit is a number of epochs, 0 for none. Received: {self.refit!r}")
        if isinstance(self.decay, str) and self.decay != BAYES:
            raise ValueError(f'decay must be a number or "{BAYES}". Received: {self.decay!r}')
        if (self.decay != BAYES and self.decay < 0) or self.learning_rate <= 0:
            raise ValueError(
                f"decay must not be negative, and learning_rate must be positive. Received: {self.decay}, {self.learning_rate}"
            )
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}. Received: {self.schedule!r}")
        for name in ("clip_norm", "clip_value"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, (int, float)) or not 0 < value < float("inf")):
                raise ValueError(f"{name} must be a positive number, or None. Received: {value!r}")
        if self.clip_norm and self.clip_value:
            raise ValueError(f"Clip by norm or by value, not both. Received: {self.clip_norm} and {self.clip_value}")
        if any(steps is not None and steps < 1 for steps in self.closed_loop):
            raise ValueError(
                f"closed_loop holds lengths of runs of at least 1 step, or None. Received: {self.closed_loop}"
            )

    @classmethod
    def of(cls, recipe, default=None):
        """A recipe as it is, or one from a dict of what differs from the default, itself a dict.

        Raises:
            TypeError: it is neither, or a recipe has no such field.
        """
        if isinstance(recipe, cls):
            return recipe
        if not isinstance(recipe, (dict, type(None))):
            raise TypeError(
                f'recipe is a Recipe or a dict, such as {{"epochs": 50}}. Received: {type(recipe).__name__}'
            )
        given, known = recipe or {}, [field.name for field in fields(cls)]
        if unknown := [name for name in given if name not in known]:
            names = ", ".join(map(repr, unknown))
            raise TypeError(f"A recipe has no field {names}.{near(unknown, known)} Its fields are: {', '.join(known)}.")
        return cls(**{**(default or {}), **given})

    def choose(self, parameters):
        """The method for a network with so many weights."""
        return ("lm" if parameters <= LARGEST_FOR_LM else "adam") if self.method == "auto" else self.method

    def to_config(self):
        return {**asdict(self), "closed_loop": list(self.closed_loop)}
