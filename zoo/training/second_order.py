"""Levenberg-Marquardt training of a network with one hidden layer, with the exact Jacobian.

Source: Hagan & Menhaj, "Training feedforward networks with the Marquardt algorithm", IEEE Trans. Neural Networks 5, 1994.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit

# All linear algebra here is NumPy's: SciPy brings a BLAS of its own, whose threads wait for those of NumPy's (a factorization
# of .6 ms took 40 ms right after a product).

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
        return sum(math.prod(shape) for shape in self.shapes.values())

    def unpack(self, theta):
        arrays, at = {}, 0
        for name, shape in self.shapes.items():
            size = math.prod(shape)
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

    def jacobian(self, theta, inputs, output=0, out=None):
        """∂ŷ_output / ∂θ, (samples, size), written into `out` where that is given."""
        w, n = self.unpack(theta), len(inputs)
        out = np.empty((n, self.size)) if out is None else out
        h = self.hidden(w, inputs)
        delta = w["V"][:, output] * ACTIVATIONS[self.activation][1](h)
        one = np.arange(self.outputs) == output
        parts, at = {}, 0
        for name, shape in self.shapes.items():
            parts[name] = out[:, at : at + math.prod(shape)].reshape(n, *shape)
            at += math.prod(shape)
        np.multiply(inputs[:, :, None], delta[:, None, :], out=parts["W"])
        parts["b"][:] = delta
        np.multiply(h[:, :, None], one, out=parts["V"])
        parts["d"][:] = one
        if self.skip:
            np.multiply(inputs[:, :, None], one, out=parts["S"])
        return out

    def output_slopes(self, theta, inputs):
        """∂ŷ / ∂φ, (samples, outputs, inputs)."""
        w = self.unpack(theta)
        slope = ACTIVATIONS[self.activation][1](self.hidden(w, inputs))
        found = np.stack([(slope * w["V"][:, o]) @ w["W"].T for o in range(self.outputs)], axis=1)
        return found + w["S"].T if self.skip else found

    def on(self, inputs, targets):
        """The errors of one step ahead on these samples, for `levenberg_marquardt`."""
        return OneStep(self, inputs, targets)


@dataclass(frozen=True)
class OneStep:
    """The errors e = ŷ − y of a network on samples that are all known beforehand (open loop).

    Arguments:
        network: a OneHiddenLayer.
        inputs, targets: (samples, inputs) and (samples, outputs).

    Raises:
        ValueError: there are NaN or infinite numbers, or fewer samples than would determine anything.
    """

    network: OneHiddenLayer
    inputs: np.ndarray
    targets: np.ndarray

    def __post_init__(self):
        if not (np.isfinite(self.inputs).all() and np.isfinite(self.targets).all()):
            raise ValueError("Levenberg-Marquardt training needs finite inputs and targets")
        if len(self.inputs) < 2:
            raise ValueError(f"There are {len(self.inputs)} training samples; give a longer series or fewer taps")

    @property
    def count(self):
        """How many errors are summed."""
        return self.targets.size

    def sum_of_squares(self, theta):
        return float(np.sum((self.network.predict(theta, self.inputs) - self.targets) ** 2))

    def normal_equations(self, theta, rows=2048):
        """JᵀJ and Jᵀe, summed over the outputs and over blocks of rows."""
        network = self.network
        matrix, vector = np.zeros((network.size, network.size)), np.zeros(network.size)
        space = np.empty((min(rows, len(self.inputs)), network.size))
        for at in range(0, len(self.inputs), rows):
            inputs = self.inputs[at : at + rows]
            errors = network.predict(theta, inputs) - self.targets[at : at + rows]
            for output in range(network.outputs):
                jacobian = network.jacobian(theta, inputs, output, out=space[: len(inputs)])
                matrix += jacobian.T @ jacobian
                vector += jacobian.T @ errors[:, output]
        return matrix, vector


@dataclass
class Fit:
    """The result of a training: weights, the mean squared error of each epoch, and why it stopped.

    `decay` is the weight of the penalty at the end, and `effective` the number of weights that the data determine, if it
    was found from the data.
    """

    theta: np.ndarray
    train: list = field(default_factory=list)
    valid: list = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = "epochs"
    decay: float = 0.0
    effective: float | None = None


BAYES = "bayes"


def levenberg_marquardt(
    errors,
    theta,
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

    With decay="bayes" the penalty is what the data make most likely, found anew after each step (MacKay 1992; Foresee &
    Hagan 1997): with N errors, P weights and H = JᵀJ + decay · I,

        γ = P − decay · tr H⁻¹,   decay = (γ / |θ|²) / ((N − γ) / Σe²)

    Arguments:
        errors: what is minimised: `network.on(inputs, targets)` for one step ahead, or a `Simulation` for the free run.
        theta: the initial weights.
        valid: the same of the validation part; None to train without one.
        epochs: at most so many steps.
        patience: epochs without a better validation error before stopping.
        mu, mu_max: the damping at the start, and the value beyond which there is no better step.
        tolerance: stop when the objective falls by less than this share.
        progress: called after each epoch as progress(epoch, train_mse, valid_mse or None).

    Returns:
        A `Fit`. Ctrl-C stops the training and keeps the best weights so far.

    Raises:
        ValueError: the errors cannot be computed at the initial weights.
    """
    bayes = decay == BAYES
    decay = 0.0 if bayes else decay

    def score(weights):
        return None if valid is None else valid.sum_of_squares(weights) / valid.count

    squares, best = errors.sum_of_squares(theta), score(theta)
    if not np.isfinite(squares):
        raise ValueError("The errors at the initial weights are not finite: a training cannot start there")
    result, identity = Fit(theta), np.arange(len(theta))
    try:
        for epoch in range(1, epochs + 1):
            matrix, vector = errors.normal_equations(theta)
            if bayes:
                decay, result.effective = most_likely_decay(matrix, theta, squares, errors.count, decay)
            current = before = squares + decay * float(theta @ theta)
            vector = vector + decay * theta
            while mu <= mu_max:
                damped = matrix.copy()
                damped[identity, identity] += mu + decay
                try:
                    candidate = theta - np.linalg.solve(damped, vector)
                    found = errors.sum_of_squares(candidate)
                    reached = found + decay * float(candidate @ candidate)
                except np.linalg.LinAlgError:
                    reached = np.inf
                if reached < current:
                    theta, squares, current, mu = candidate, found, reached, max(mu / 10, 1e-20)
                    break
                mu *= 10
            else:
                result.stopped = "no better step"
                break
            result.train.append(squares / errors.count)
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
    result.decay = decay
    return result


def most_likely_decay(matrix, theta, squares, count, decay):
    """The decay that the data make most likely, and the number of weights that they determine.

    It starts from all weights being determined, as MacKay does.
    """
    eigenvalues = np.maximum(np.linalg.eigvalsh(matrix), 0.0)
    effective = float(np.sum(eigenvalues / (eigenvalues + decay))) if decay > 0 else float(len(theta))
    precision = max(count - effective, 1.0) / max(squares, np.finfo(float).tiny)
    return effective / max(float(theta @ theta), np.finfo(float).tiny) / precision, effective
