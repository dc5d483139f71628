"""How a network is trained, as data."""

from dataclasses import asdict, dataclass

LARGEST_FOR_LM = 2000


@dataclass(frozen=True)
class Recipe:
    """A training recipe.

    Arguments:
        method: "lm" (Levenberg-Marquardt), "adam", or "auto": lm up to 2,000 weights, adam above.
        epochs: at most so many passes over the training part.
        patience: epochs without a better validation error before stopping.
        restarts: trainings from different initial weights; the best on the validation part is kept (lm).
        decay: weight of the penalty |θ|² beside the sum of squared errors (lm), or AdamW's weight decay.
        learning_rate, batch_size: of adam.
    """

    method: str = "auto"
    epochs: int = 200
    patience: int = 10
    restarts: int = 1
    decay: float = 0.0
    learning_rate: float = 1e-3
    batch_size: int = 64

    def __post_init__(self):
        if self.method not in ("auto", "lm", "adam"):
            raise ValueError(f'method must be "auto", "lm" or "adam". Received: {self.method!r}')
        for name in ("epochs", "patience", "restarts", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Received: {getattr(self, name)}")
        if self.decay < 0 or self.learning_rate <= 0:
            raise ValueError(
                f"decay must not be negative, and learning_rate must be positive. Received: {self.decay}, {self.learning_rate}"
            )

    def choose(self, parameters):
        """The method for a network with so many weights."""
        return ("lm" if parameters <= LARGEST_FOR_LM else "adam") if self.method == "auto" else self.method

    def to_config(self):
        return asdict(self)
