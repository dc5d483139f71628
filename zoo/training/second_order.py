"""Levenberg-Marquardt training of a network with one hidden layer, with the exact Jacobian.

Source: Hagan & Menhaj, "Training feedforward networks with the Marquardt algorithm", IEEE Trans. Neural Networks 5, 1994.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg
from scipy.special import expit

# The hidden layer's function, and its derivative in terms of its value.
ACTIVATIONS = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "sigmoid": (expit, lambda h: h * (1 - h)),
}


@dataclass(frozen=True)
class OneHiddenLayer:
    """ŷ = V s(W φ + b) + d [+ S φ], and its normal equations, in float64.

    The weights are a flat vector θ, or named arrays: W (inputs, units), b (units), V (units, outputs), d (outputs) and,
    with `skip`, S (inputs, outputs).
    """

    inputs: int
    units: int
    outputs: int = 1
    activation: str = "tanh"
    skip: bool = False

    @property
    def shapes(self):
        i, u, o = self.inputs, self.units, self.outputs
        return {"W": (i, u), "b": (u,), "V": (u, o), "d": (o,)} | ({"S": (i, o)} if self.skip else {})

    @property
    def size(self):
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    def unpack(self, theta):
        arrays, at = {}, 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            arrays[name] = theta[at : at + size].reshape(shape)
            at += size
        return arrays

    def pack(self, arrays):
        return np.concatenate([np.ravel(arrays[name]).astype("float64") for name in self.shapes])

    def initial(self, rng):
        """Nguyen & Widrow 1990: the active regions of the hidden units are spread over the inputs' range."""
        weights = rng.normal(size=(self.inputs, self.units))
        reach = 0.7 * self.units ** (1 / max(self.inputs, 1))
        weights *= reach / np.maximum(np.linalg.norm(weights, axis=0), 1e-12)
        arrays = {
            "W": weights,
            "b": reach * rng.uniform(-1, 1, self.units),
            "V": rng.uniform(-1, 1, (self.units, self.outputs)) / np.sqrt(self.units),
            "d": np.zeros(self.outputs),
            "S": np.zeros((self.inputs, self.outputs)),
        }
        return self.pack(arrays)

    def hidden(self, w, inputs):
        return ACTIVATIONS[self.activation][0](inputs @ w["W"] + w["b"])

    def predict(self, theta, inputs):
        w = self.unpack(theta)
        outputs = self.hidden(w, inputs) @ w["V"] + w["d"]
        return outputs + inputs @ w["S"] if self.skip else outputs

    def jacobian(self, theta, inputs, output=0):
        """∂ŷ_output / ∂θ, (samples, size)."""
        w, n = self.unpack(theta), len(inputs)
        h = self.hidden(w, inputs)
        delta = w["V"][:, output] * ACTIVATIONS[self.activation][1](h)
        one = np.arange(self.outputs) == output
        parts = [
            (inputs[:, :, None] * delta[:, None, :]).reshape(n, -1),
            delta,
            (h[:, :, None] * one).reshape(n, -1),
            np.broadcast_to(one.astype(float), (n, self.outputs)),
        ]
        if self.skip:
            parts.append((inputs[:, :, None] * one).reshape(n, -1))
        return np.concatenate(parts, axis=1)

    def normal_equations(self, theta, inputs, targets, rows=2048):
        """JᵀJ and Jᵀe for the errors e = ŷ − y, summed over the outputs and over blocks of rows."""
        matrix, vector = np.zeros((self.size, self.size)), np.zeros(self.size)
        for at in range(0, len(inputs), rows):
            block, wanted = inputs[at : at + rows], targets[at : at + rows]
            errors = self.predict(theta, block) - wanted
            for output in range(self.outputs):
                jacobian = self.jacobian(theta, block, output)
                matrix += jacobian.T @ jacobian
                vector += jacobian.T @ errors[:, output]
        return matrix, vector

    def sum_of_squares(self, theta, inputs, targets):
        return float(np.sum((self.predict(theta, inputs) - targets) ** 2))


@dataclass
class Fit:
    """The result of a training: weights, the mean squared error of each epoch, and why it stopped."""

    theta: np.ndarray
    train: list = field(default_factory=list)
    valid: list = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = "epochs"


def levenberg_marquardt(
    network,
    theta,
    train,
    valid=None,
    *,
    epochs=200,
    patience=6,
    decay=0.0,
    mu=1e-3,
    mu_max=1e10,
    tolerance=1e-10,
    progress=None,
):
    """Minimise the sum of squared errors (+ decay · |θ|²) from θ; keep the weights that are best on `valid`.

        (JᵀJ + (μ + decay) I) Δ = −(Jᵀe + decay · θ)

    A step that lowers the objective is taken and μ divided by 10; otherwise μ is multiplied by 10 and the step retried.

    Arguments:
        network: a OneHiddenLayer, or anything with its `normal_equations`, `sum_of_squares` and `size`.
        theta: the initial weights.
        train, valid: (inputs, targets), two-dimensional float64 arrays. Without `valid` the last weights are kept.
        patience: epochs without a better validation error before stopping.
        mu, mu_max: the damping at the start, and the value beyond which there is no better step.
        tolerance: stop when the objective falls by less than this share.
        progress: called after each epoch as progress(epoch, train_mse, valid_mse or None).

    Returns:
        A `Fit`. Ctrl-C stops the training and keeps the best weights so far.

    Raises:
        ValueError: there are NaN in the data, or fewer samples than would determine anything.
    """
    inputs, targets = train
    if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
        raise ValueError("Levenberg-Marquardt training needs finite inputs and targets")
    if len(inputs) < 2:
        raise ValueError(f"There are {len(inputs)} training samples; give a longer series or fewer taps")

    def objective(weights):
        return network.sum_of_squares(weights, inputs, targets) + decay * float(weights @ weights)

    def score(weights):
        return None if valid is None else network.sum_of_squares(weights, *valid) / valid[1].size

    result, current, best = Fit(theta), objective(theta), score(theta)
    identity = np.arange(network.size)
    try:
        for epoch in range(1, epochs + 1):
            matrix, vector = network.normal_equations(theta, inputs, targets)
            vector = vector + decay * theta
            before = current
            while mu <= mu_max:
                damped = matrix.copy()
                damped[identity, identity] += mu + decay
                try:
                    step = linalg.cho_solve(
                        linalg.cho_factor(damped, overwrite_a=True, check_finite=False), vector, check_finite=False
                    )
                    candidate = objective(theta - step)
                except linalg.LinAlgError:
                    candidate = np.inf
                if candidate < current:
                    theta, current, mu = theta - step, candidate, max(mu / 10, 1e-20)
                    break
                mu *= 10
            else:
                result.stopped = "no better step"
                break
            result.train.append(network.sum_of_squares(theta, inputs, targets) / targets.size)
            found = score(theta)
            result.valid.append(found)
            if progress:
                progress(epoch, result.train[-1], found)
            if valid is None or found < best:
                result.theta, result.best_epoch, best = theta, epoch, found
            elif epoch - result.best_epoch >= patience:
                result.stopped = "validation"
                break
            if before - current <= tolerance * before:
                result.stopped = "converged"
                break
    except KeyboardInterrupt:
        result.stopped = "interrupted"
    return result
