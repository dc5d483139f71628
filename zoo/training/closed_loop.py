"""Adam in open and closed loop, for networks that are too large for Levenberg-Marquardt or that have a state of their own.

What is trained is a network that is given the truth beside its input and goes on with its own output where the truth is NaN
(`zoo.cells.FeedbackCell`, `NARMAXCell`). A piece of a record begins with a wash-out, steps on the truth that bring the state
up and are not scored; how much of the truth comes after it makes it open loop, a stretch, or a free run.
"""

import keras
import numpy as np

from zoo.quiet import unalarmed
from zoo.training.fit import adam
from zoo.training.tbptt import TruncatedBPTT

UPDATES = 20  # an epoch, at the least
CLIP = 1.0  # norm of the gradient: one step at the edge of stability must not throw the weights away


def train(build, records, valid, recipe, washout, *, closed=True, judged=None, seed=0, progress=None, warm=False):
    """Open loop first, then the recipe's stages of closed loop; of their results the one that runs best over `valid`.

    A stage of n steps trains pieces of n steps on the network's own outputs, each from a wash-out on the truth; one of None
    runs through whole records, by truncated back-propagation through time: the state goes on, the gradient reaches back
    `recipe.bptt_steps`. Each stage begins with the best weights so far.

    Arguments:
        build: build(batch=None) makes the network over the same weights, a keras.Model of (batch, time, inputs + outputs),
            the truth behind the inputs; without `batch` it leaves out the wash-out, (batch, time − washout, outputs), with
            one it is stateful and gives every step.
        records, valid: lists of (x, y): (rows, inputs) and (rows, outputs), the wash-out among them.
        recipe: a `zoo.training.Recipe`.
        washout: steps.
        closed: False to leave out the stages, and to judge one step ahead.
        judged: by what runs over `valid` the weights are chosen: a length, or None for one run over all of it.
        seed: of the order of the pieces.
        progress: called as progress(epoch, train_mse, valid_mse).
        warm: keep the weights that the network has unless a stage's are better.

    Returns:
        {"train": …, "valid": …, "error": …, "best_epoch": …, "stopped": …, "before": …}: the errors by epoch of all stages, the
        mean squared error of the runs over `valid`, the epoch over all stages whose weights were kept (0: those it had), why it
        ended, and with `warm` the error that it began with. Ctrl-C ends it with the best so far.

    Raises:
        ValueError: the training diverged from its first epoch.
        RuntimeError: a stage of None under JAX (see `TruncatedBPTT`).
    """
    network = build()
    judged = cut(valid, washout, judged, known=not closed)
    stages = ((recipe.bptt_steps, True), *((steps, False) for steps in recipe.closed_loop if closed))
    best, report, epoch = (np.inf, network.get_weights()), {"train": [], "valid": [], "before": None}, 0
    if warm:
        report["before"] = of_run(network, judged)
        best = report["before"], best[1]
    for steps, known in stages:
        network.set_weights(best[1])
        options = {"seed": seed, "progress": progress, "clipnorm": CLIP}
        if steps is None:
            history, stopped = truncated(build, network, records, judged, recipe, washout, **options)
        else:
            held_out = cut(valid, washout, None, known) if known else judged
            pieces = cut(records, washout, steps, known, UPDATES * recipe.batch_size)
            history, stopped = adam(network, pieces, held_out, recipe, **options)
        error = of_run(network, judged)
        if error < best[0] or not np.isfinite(best[0]):
            best, epoch = (error, network.get_weights()), len(report["valid"]) + epoch_of(history)
        report["train"] += history.get("loss", [])
        report["valid"] += history.get("val_loss", [])
        if stopped == "interrupted":
            break
    network.set_weights(best[1])
    return {**report, "error": best[0], "best_epoch": epoch, "stopped": stopped}


def epoch_of(history):
    """The epoch of a stage whose weights it ended with."""
    errors = history.get("val_loss", [])
    return int(np.nanargmin(errors)) + 1 if np.isfinite(errors).any() else len(errors)


def of_run(network, judged):
    """The mean squared error of a run; infinite if it diverges."""
    error = float(np.mean((keras.ops.convert_to_numpy(network(judged[0])).astype("float64") - judged[1]) ** 2))
    return error if np.isfinite(error) else np.inf


def cut(records, washout, steps, known, fewest=1):
    """Pieces of records, evenly spaced: [x, truth] (pieces, washout + steps, ·) and targets (pieces, steps, outputs).

    Together they hold every step; they overlap where it takes that to be `fewest` pieces.

    Arguments:
        steps: of a piece behind its wash-out; None for as many as the shortest record has.
        known: whether the truth goes on behind the wash-out; otherwise it is NaN there.
        fewest: pieces of all records together, if they have as many.
    """
    most = min(len(y) for _, y in records) - washout
    steps = most if steps is None else min(steps, most)
    given, targets, total = [], [], sum(len(y) for _, y in records)
    for x, y in records:
        last = len(y) - washout - steps
        pieces = max(-(-(last + steps) // steps), min(round(fewest * len(y) / total), last + 1))
        for start in np.linspace(0, last, pieces).astype(int):
            rows = slice(start, start + washout + steps)
            truth = y[rows].copy()
            targets.append(truth[washout:].copy())
            if not known:
                truth[washout:] = np.nan
            given.append(np.concatenate([x[rows], truth], axis=1))
    return np.stack(given).astype("float32"), np.stack(targets).astype("float32")


@unalarmed()
def truncated(build, network, records, judged, recipe, washout, *, seed, progress, clipnorm):
    """A free run through long pieces of the records, a weight update each `bptt_steps`: what `adam` returns."""
    keras.utils.set_random_seed(seed)
    rows = sum(len(y) for _, y in records)
    steps = max(-(-rows // recipe.batch_size), 4 * recipe.bptt_steps)
    (given, _), (told, _) = (cut(records, washout, steps, known, recipe.batch_size) for known in (False, True))
    targets = told[..., -network.outputs[0].shape[-1] :]
    stream = build(batch=len(given))
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.decay, clipnorm=clipnorm)
    stream.compile(optimizer, "mse")
    trainer = TruncatedBPTT(stream, recipe.bptt_steps)
    best, history, stopped = (np.inf, network.get_weights(), -1), {"loss": [], "val_loss": []}, "epochs"
    try:
        for epoch in range(recipe.epochs):
            history["loss"].append(trainer.fit_batch(given, targets))
            history["val_loss"].append(of_run(network, judged))
            if progress:
                progress(epoch + 1, history["loss"][-1], history["val_loss"][-1])
            if history["val_loss"][-1] < best[0]:
                best = history["val_loss"][-1], network.get_weights(), epoch
            if epoch - best[2] >= recipe.patience:
                stopped = "validation"
                break
    except KeyboardInterrupt:
        stopped = "interrupted"
    network.set_weights(best[1])
    return history, stopped
