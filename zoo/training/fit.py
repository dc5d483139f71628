"""First-order training through Keras."""

import importlib.util
from pathlib import Path

import keras
import numpy as np

from zoo.quiet import unalarmed
from zoo.training.checkpoint import Checkpoint, check_folder


class _Report(keras.callbacks.Callback):
    def __init__(self, progress):
        super().__init__()
        self.progress = progress

    def on_epoch_end(self, epoch, logs=None):
        self.progress(epoch + 1, logs["loss"], logs.get("val_loss"))


@unalarmed()
def adam(
    model,
    train,
    valid,
    recipe,
    *,
    seed=0,
    progress=None,
    clipnorm=None,
    loss="mse",
    checkpoint=None,
    identity=None,
    logs=None,
    callbacks=(),
):
    """Fit a Keras model to the mean squared error, or another loss, with AdamW, keeping the weights that are best on `valid`.

    Arguments:
        model: a keras.Model.
        train, valid: (inputs, targets), or of each a `keras.utils.PyDataset` that makes the batches.
        recipe: a `Recipe`.
        seed: of the order of the batches.
        progress: called after each epoch as progress(epoch, train_loss, valid_loss).
        clipnorm: the norm to which each weight's gradient is clipped; None for none. The recipe's `clip_norm` is that of all
            together.
        loss: a loss of Keras.
        checkpoint: a folder to which all is written after each epoch; a training that finds it there goes on from it, with the
            same result as if it had never been stopped. Batches then come in an order of their own for each epoch.
        identity: what must be equal for a checkpoint to be that of this training, as JSON can hold it.
        logs: a folder for TensorBoard, to which the losses of each epoch are written; None for none.
        callbacks: further ones of Keras.

    Returns:
        The Keras history, {"loss": [...], "val_loss": [...]}, and why the training stopped. Ctrl-C stops it and keeps the
        best weights so far.

    Raises:
        KeyboardInterrupt: Ctrl-C before the end of the first epoch.
        ValueError: the loss was NaN or infinite from the beginning, or the checkpoint is of another training.
    """
    keras.utils.set_random_seed(seed)
    batches = isinstance(train, keras.utils.PyDataset)
    steps = len(train) if batches else -(-len(keras.tree.flatten(train)[0]) // recipe.batch_size)
    model.compile(optimizer_of(recipe, steps, clipnorm), loss)
    watching = [*callbacks, *([tensorboard(logs)] if logs else [])]
    if checkpoint is not None:
        train = train if batches else Rows(*train, recipe.batch_size, seed)
        kept = Checkpoint(checkpoint, {**(identity or {}), "recipe": recipe.to_config(), "seed": seed})
        return by_epochs(model, train, valid, recipe, kept, seed=seed, progress=progress, callbacks=watching)
    best = keras.callbacks.EarlyStopping("val_loss", patience=recipe.patience, restore_best_weights=True)
    callbacks = [best, keras.callbacks.TerminateOnNaN(), *watching] + ([_Report(progress)] if progress else [])
    try:
        history = model.fit(
            *((train,) if batches else train),
            validation_data=valid,
            epochs=recipe.epochs,
            batch_size=None if batches else recipe.batch_size,
            callbacks=callbacks,
            verbose=0,
        )
    except KeyboardInterrupt:
        if best.best_weights is None:
            raise
        model.set_weights(best.best_weights)
        return model.history.history, "interrupted"
    if not np.isfinite(history.history["val_loss"]).any():
        raise diverged(recipe)
    return history.history, "validation" if best.stopped_epoch else "epochs"


def check_logs(folder):
    """Refuse a folder for TensorBoard that cannot be written.

    Raises:
        RuntimeError: the package is not installed.
        ValueError: it is no folder that can be written to.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise RuntimeError("Logs are written by TensorBoard, which is not installed: pip install tensorboard")
    check_folder(folder, "Logs")


def tensorboard(folder):
    """What writes the losses of each epoch for TensorBoard, once `check_logs` has found nothing against it."""
    check_logs(folder)
    return keras.callbacks.TensorBoard(Path(folder), write_graph=False)


def optimizer_of(recipe, steps, clipnorm=None):
    """AdamW as a recipe says, for so many updates an epoch."""
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * recipe.epochs)
    clipped = {"clipnorm": clipnorm, "global_clipnorm": recipe.clip_norm, "clipvalue": recipe.clip_value}
    return keras.optimizers.AdamW(rate, weight_decay=recipe.decay, **clipped)


def diverged(recipe):
    return ValueError(f"The training diverged. Use a learning_rate below {recipe.learning_rate:g}")


class Rows(keras.utils.PyDataset):
    """Batches of the rows of arrays, in another order in each epoch, which the seed draws."""

    def __init__(self, inputs, targets, batch_size, seed):
        super().__init__()
        self.arrays, self.batch_size, self.rng = (inputs, targets), batch_size, np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(keras.tree.flatten(self.arrays)[0]))

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index):
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return keras.tree.map_structure(lambda array: array[rows], self.arrays)


class Drawn(keras.utils.PyDataset):
    """The batches of a dataset in an order that is drawn, but for the first, from which Keras sees which sizes vary."""

    def __init__(self, dataset, rng):
        super().__init__()
        self.dataset, self.order = dataset, [0, *(1 + rng.permutation(len(dataset) - 1)).tolist()]

    def __len__(self):
        return len(self.order)

    def __getitem__(self, index):
        return self.dataset[self.order[index]]


def by_epochs(model, train, valid, recipe, kept, *, seed, progress, callbacks):
    """Train epoch by epoch, all that is needed to go on being written after each: what `adam` does with a checkpoint."""
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    history, best, stopped = {"loss": [], "val_loss": []}, model.get_weights(), "epochs"
    found = kept.read(len(variables))
    if found is not None:
        arrays, best, history = found
        for variable, value in zip(variables, arrays, strict=True):
            variable.assign(value)
        for _ in history["loss"]:
            train.on_epoch_end()  # which draws the next epoch's batches
    try:
        for epoch in range(len(history["loss"]), recipe.epochs):
            errors = history["val_loss"]
            if errors and len(errors) - 1 - int(np.argmin(errors)) >= recipe.patience:
                stopped = "validation"
                break
            drawn = Drawn(train, np.random.default_rng([seed, epoch]))
            made = model.fit(
                drawn,
                validation_data=valid,
                initial_epoch=epoch,
                epochs=epoch + 1,
                shuffle=False,
                callbacks=callbacks,
                verbose=0,
            )
            losses = [float(made.history[name][0]) for name in ("loss", "val_loss")]
            if not np.isfinite(losses).all():
                stopped = "diverged"
                break
            for name, value in zip(("loss", "val_loss"), losses, strict=True):
                history[name].append(value)
            if losses[1] == min(errors):
                best = model.get_weights()
            train.on_epoch_end()
            kept.write([keras.ops.convert_to_numpy(v) for v in variables], best, history)
            if progress:
                progress(epoch + 1, *losses)
    except KeyboardInterrupt:
        if not history["loss"]:
            raise
        stopped = "interrupted"
    if not history["loss"]:
        raise diverged(recipe)
    model.set_weights(best)
    return history, stopped
