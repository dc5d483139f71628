"""What a network that estimates sequences must beat: estimators of one equation or of one library's model.

Each is a function of (train, valid), two `zoo.data.sequences.Sequences`, and returns a function of Sequences -> estimates in
the outputs' units, (sequences, time, outputs). Weights come from the training part; what there is to choose (how smooth, how
many leaves) is chosen by the validation part.
"""

import numpy as np

from zoo.evaluation.metrics import rmse


def reference(train, valid):
    """ŷ = the reference as it is: the raw measurement."""
    return lambda part: part.refers


def share_of_reference(train, valid):
    """ŷ_t = k r_t, with k = Σ y / Σ r of the training part: of irradiance, clear sky times the mean clear-sky index."""
    share = train.y[train.scored["all steps"]].sum(0) / train.refers[train.scored["all steps"]].sum(0)
    return lambda part: share * part.refers


def mean_of_step(train, valid):
    """ŷ_t = the mean of the training sequences at the same step."""
    mean = train.y.mean(axis=0)
    return lambda part: np.broadcast_to(mean, part.y.shape)


def climatology(year, width=15):
    """ŷ_t = the mean of the training sequences at the same step within `width` days of the same day of the year.

    Arguments:
        year: the names of the columns that hold the sine and the cosine of the time of the year.
    """

    def phase(part):
        sine, cosine = (part.column(name) for name in year)
        angles = np.arctan2(sine, cosine)
        return angles if angles.ndim == 1 else angles[:, -1]

    def fit(train, valid):
        known, days = phase(train), 2 * np.pi * width / 365.25

        def estimate(part):
            apart = np.abs(np.angle(np.exp(1j * (phase(part)[:, None] - known))))
            near = apart <= np.maximum(days, apart.min(axis=1, keepdims=True) + 1e-9)
            return np.einsum("ns,sto->nto", near / near.sum(axis=1, keepdims=True), train.y)

        return estimate

    return fit


def chosen(train, valid, fitted):
    """Of several estimators the one with the least error on the validation part."""
    where = valid.scored["all steps"]
    return min(fitted, key=lambda estimate: rmse(valid.y[where], within(valid, estimate(valid))[where]))


def each_moment(fit):
    """The fit of an estimator whose outputs are all of one moment, done apart for the outputs of each number of steps ahead."""

    def fit_all(train, valid):
        fits = {ahead: fit(train.at(ahead), valid.at(ahead)) for ahead in sorted(set(train.ahead))}

        def estimate(part):
            found = np.empty(part.y.shape)
            for ahead, of_moment in fits.items():
                found[..., np.array(part.ahead) == ahead] = of_moment(part.at(ahead))
            return found

        return estimate

    return fit_all


def within(part, values):
    """Estimates that do not go below the least possible value."""
    return values if part.lower is None else np.maximum(values, part.lower)


def design(part, lags, where):
    """The inputs of each marked step and of the steps `lags` before it, and the vector: (rows, columns)."""
    rows, steps = np.nonzero(where)
    if len(steps) and steps.min() < max(lags, default=0):
        raise ValueError(f"A lag of {max(lags)} steps needs a lead of as many. The first scored step is {steps.min()}.")
    return np.concatenate([*(part.x[rows, steps - lag] for lag in lags), part.vector[rows]], axis=1)


def laid_out(part, where, values):
    """Rows of estimates at their steps; NaN at the others."""
    found = np.full(part.y.shape, np.nan)
    found[where] = values
    return found


def linear(lags=(0,), ratio=False, penalties=(1e-3, 1e-1, 1e1, 1e2, 1e3)):
    """Ridge regression (scikit-learn) on the inputs of the step and of `lags` steps before, and on the vector.

        ŷ_t = w · [x_t, x_{t−1}, …, v] + b,   or with `ratio`   ŷ_t = r_t (w · [x_t, x_{t−1}, …, v] + b)

    The penalty, and with ratio=None also which of the two it is, is chosen on the validation part.
    """

    def fit(train, valid):
        kinds = (False, True) if ratio is None else (ratio,)
        return chosen(train, valid, [_ridge(train, lags, kind, penalty) for kind in kinds for penalty in penalties])

    return fit


def _ridge(train, lags, ratio, penalty):
    from sklearn.linear_model import Ridge

    where = train.scored["all steps"]
    columns = design(train, lags, where)
    mean, std = columns.mean(axis=0), columns.std(axis=0)
    std = np.where(std > 0, std, 1.0)

    def regressors(part, where, o):
        scaled = (design(part, lags, where) - mean) / std
        if not ratio:
            return scaled
        return part.refers[where][:, o : o + 1] * np.concatenate([np.ones((len(scaled), 1)), scaled], axis=1)

    outputs = range(train.y.shape[2])
    fits = [
        Ridge(penalty, fit_intercept=not ratio).fit(regressors(train, where, o), train.y[where][:, o]) for o in outputs
    ]

    def estimate(part):
        where = part.scored["all steps"]
        found = [fit.predict(regressors(part, where, o)) for o, fit in enumerate(fits)]
        return laid_out(part, where, np.stack(found, axis=1))

    return estimate


def linear_of_step(ratio=False, penalties=(1e-2, 1e-1, 1.0, 1e1, 1e2)):
    """Ridge regression (scikit-learn) of each step by itself on the vector of the sequence, so with weights of its own.

    ŷ_t = w_t · v + b_t,   or with `ratio`   ŷ_t = r_t (w_t · v + b_t), weighted by r_t². The penalty is chosen on the
    validation part.
    """

    def fit(train, valid):
        return chosen(train, valid, [_ridge_of_step(train, ratio, penalty) for penalty in penalties])

    return fit


def _ridge_of_step(train, ratio, penalty):
    from sklearn.linear_model import Ridge

    mean, std = train.vector.mean(axis=0), train.vector.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    size = (train.refers**2).mean() if ratio else 1.0
    fits = {}
    for t, o in np.ndindex(train.y.shape[1:]):
        weights, target = np.ones(len(train)), train.y[:, t, o]
        if ratio:
            weights = train.refers[:, t, o] ** 2 / size
            if not weights.any():  # the dark
                continue
            target = np.divide(target, train.refers[:, t, o], out=np.zeros(len(train)), where=weights > 0)
        fits[t, o] = Ridge(penalty).fit((train.vector - mean) / std, target, weights)

    def estimate(part):
        found = np.zeros(part.y.shape)
        for (t, o), fit in fits.items():
            found[:, t, o] = fit.predict((part.vector - mean) / std)
        return found * part.refers if ratio else found

    return estimate


def boosted_trees(lags=(0,), ratio=None, leaves=(15,), trees=(100,), seed=0):
    """Gradient-boosted trees (scikit-learn's histograms) on the same columns as `linear`, a model for each output.

    The number of leaves and of trees, and with ratio=None whether y or its ratio to the reference (weighted by the
    reference's square) is estimated, are chosen on the validation part.
    """

    def fit(train, valid):
        kinds = (False, True) if ratio is None else (ratio,)
        settings = [(kind, most, count) for kind in kinds for most in leaves for count in trees]
        return chosen(train, valid, [_trees(train, lags, *each, seed) for each in settings])

    return fit


def _trees(train, lags, ratio, leaves, trees, seed):
    from sklearn.ensemble import HistGradientBoostingRegressor

    where, fits = train.scored["all steps"], []
    columns, targets = design(train, lags, where), train.y[where]
    base = train.refers[where] if ratio else np.ones_like(targets)
    for o in range(targets.shape[1]):
        lit = base[:, o] > 0.02 * base[:, o].max()
        model = HistGradientBoostingRegressor(
            max_iter=trees, max_leaf_nodes=leaves, learning_rate=0.05, early_stopping=False, random_state=seed
        )
        fits.append(model.fit(columns[lit], targets[lit, o] / base[lit, o], (base[lit, o] / base[:, o].max()) ** 2))

    def estimate(part):
        where = part.scored["all steps"]
        columns = design(part, lags, where)
        found = np.stack([fit.predict(columns) for fit in fits], axis=1)
        return laid_out(part, where, found * part.refers[where] if ratio else found)

    return estimate


def moving_fit(degree, longest=20):
    """ŷ_t = the end of the polynomial of that degree through the last n references, by least squares: 0 is the moving average,
    1 the moving line, which for outputs that lie ahead goes on so far. n, up to `longest`, is the best on the training part,
    for each number of steps ahead by itself."""

    def weights(count, ahead):
        degrees = np.arange(min(degree, count - 1) + 1)
        powers = np.arange(1 - count, 1)[:, None] ** degrees
        return (1.0 * ahead) ** degrees @ np.linalg.pinv(powers)  # the polynomial's value there

    def of(longest):
        def estimate(part):
            found = np.empty(part.y.shape)
            for t in range(found.shape[1]):
                count = min(longest, t + 1)
                last = part.refers[:, t + 1 - count : t + 1]
                found[:, t] = np.einsum("k,nko->no", weights(count, part.ahead[0]), last)
            return found

        return estimate

    def fit(train, valid):
        return chosen(train, train, [of(count) for count in range(degree + 1, longest + 1)])

    return each_moment(fit)
