"""First-order training through Keras."""

import contextlib
import logging

import keras
import numpy as np


class _Report(keras.callbacks.Callback):
    def __init__(self, progress):
        super().__init__()
        self.progress = progress

    def on_epoch_end(self, epoch, logs=None):
        self.progress(epoch + 1, logs["loss"], logs.get("val_loss"))


@contextlib.contextmanager
def unalarmed():
    """Without TensorFlow's warning of retracing: it takes the new network of each stage and start, which is traced once as it
    must be, for one that is traced again and again."""

    def other(record):
        return "triggered tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(other)
    try:
        yield
    finally:
        logger.removeFilter(other)


@unalarmed()
def adam(model, train, valid, recipe, *, seed=0, progress=None, clipnorm=None, loss="mse"):
    """Fit a Keras model to the mean squared error, or another loss, with AdamW, keeping the weights that are best on `valid`.

    Arguments:
        model: a keras.Model.
        train, valid: (inputs, targets), or of each a `keras.utils.PyDataset` that makes the batches.
        recipe: a `Recipe`.
        seed: of the order of the batches.
        progress: called after each epoch as progress(epoch, train_loss, valid_loss).
        clipnorm: the norm to which each weight's gradient is clipped; None for none.
        loss: a loss of Keras.

    Returns:
        The Keras history, {"loss": [...], "val_loss": [...]}, and why the training stopped. Ctrl-C stops it and keeps the
        best weights so far.

    Raises:
        ValueError: the loss was NaN or infinite from the beginning.
    """
    keras.utils.set_random_seed(seed)
    best = keras.callbacks.EarlyStopping("val_loss", patience=recipe.patience, restore_best_weights=True)
    callbacks = [best, keras.callbacks.TerminateOnNaN()] + ([_Report(progress)] if progress else [])
    model.compile(keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.decay, clipnorm=clipnorm), loss)
    try:
        batches = isinstance(train, keras.utils.PyDataset)
        history = model.fit(
            *((train,) if batches else train),
            validation_data=valid,
            epochs=recipe.epochs,
            batch_size=None if batches else recipe.batch_size,
            callbacks=callbacks,
            verbose=0,
        )
    except KeyboardInterrupt:
        if best.best_weights is not None:
            model.set_weights(best.best_weights)
        return model.history.history, "interrupted"
    if not np.isfinite(history.history["val_loss"]).any():
        raise ValueError(f"The training diverged. Use a learning_rate below {recipe.learning_rate:g}")
    return history.history, "validation" if best.stopped_epoch else "epochs"
