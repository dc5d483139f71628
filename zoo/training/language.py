"""Training on one long text: truncated back-propagation through time over parallel streams of it, resumable."""

import time
from dataclasses import asdict, dataclass, field, fields

import keras
import numpy as np

from zoo.quiet import unalarmed
from zoo.training.checkpoint import Checkpoint
from zoo.training.fit import tensorboard

OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "adagrad": keras.optimizers.Adagrad}
SCHEDULES = ("constant", "exponential", "cosine")
UPDATES = 50  # an epoch, at least: a short text is cut into fewer streams
AT_ONCE = 2000  # symbols in one execution of the compiled training loop, at least: its start costs about a millisecond


@dataclass(frozen=True)
class TextRecipe:
    """How a language model is trained.

    The text is cut into `batch` streams of equal length, side by side, and each stream into chunks: the gradient reaches back
    to the beginning of a chunk, the state goes on from chunk to chunk, and begins at 0 with each epoch.

    Arguments:
        optimizer: "adam", "rmsprop" or "adagrad" (which begins with an accumulator of 0).
        learning_rate: at the beginning.
        schedule: "constant", "exponential" (times `decay` after each epoch) or "cosine" (to 0 over all epochs).
        decay: of the exponential schedule.
        epochs: passes over the training part.
        patience: epochs without a better validation loss before stopping.
        batch: streams; fewer for a short text.
        chunk: symbols of a stream for each update.
        clip_norm: the norm to which all gradients together are clipped; None for none.
        clip_value: the bounds ± to which each gradient is clipped; None for none.
        summed: minimise the sum over a chunk and not the mean.
        sampled: symbols that are drawn for the softmax of each update; None for all of them. The losses of training are then
            those of the sampled softmax, and no nats per symbol; that of the validation part is always by all.
        initial: standard deviation of normally distributed first weights, with biases of 0; None for each layer's own way.

    Raises:
        ValueError: a value is outside its range.
    """

    optimizer: str = "adam"
    learning_rate: float = 4e-3
    schedule: str = "cosine"
    decay: float = 0.93
    epochs: int = 20
    patience: int = 5
    batch: int = 50
    chunk: int = 100
    clip_norm: float | None = 5.0
    clip_value: float | None = None
    summed: bool = False
    sampled: int | None = None
    initial: float | None = None

    def __post_init__(self):
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}. Received: {self.optimizer!r}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}. Received: {self.schedule!r}")
        for name in ("epochs", "patience", "batch", "chunk"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1. Received: {value!r}")
        if self.sampled is not None and (not isinstance(self.sampled, int) or self.sampled < 1 or self.summed):
            raise ValueError(
                f"sampled must be a whole number of at least 1, or None, without summed. Received: {self.sampled!r}"
            )
        for name in ("learning_rate", "decay", "clip_norm", "clip_value", "initial"):
            value = getattr(self, name)
            if value is None and name not in ("learning_rate", "decay"):
                continue
            if not isinstance(value, (int, float)) or not 0 < value < np.inf:
                raise ValueError(f"{name} must be a positive number. Received: {value!r}")
        if self.clip_norm and self.clip_value:
            raise ValueError(f"Clip by norm or by value, not both. Received: {self.clip_norm} and {self.clip_value}")

    @classmethod
    def of(cls, recipe):
        """A recipe as it is, one by name ("modern", "minimal"), or what differs from one as a dict: {"base": "minimal",
        "epochs": 3}."""
        if isinstance(recipe, cls):
            return recipe
        changes = {"base": recipe} if isinstance(recipe, str) else dict(recipe or {})
        base = changes.pop("base", "modern")
        if base not in RECIPES:
            raise ValueError(f"The recipes are {', '.join(RECIPES)}. Received: {base!r}")
        known = {each.name for each in fields(cls)}
        if set(changes) - known:
            raise ValueError(
                f"A recipe has no {', '.join(sorted(set(changes) - known))}. It has: {', '.join(sorted(known))}"
            )
        return cls(**{**RECIPES[base], **changes})

    def to_config(self):
        return asdict(self)

    def streams(self, length, name="The training part"):
        """How many streams a text of that length is cut into.

        Raises:
            ValueError: it is shorter than a chunk.
        """
        if length <= self.chunk:
            raise ValueError(
                f"{name} has {length:,} symbols; a chunk of {self.chunk} needs {self.chunk + 1}. Give a longer text, or a "
                'shorter chunk: recipe={"chunk": 10}'
            )
        return max(1, min(self.batch, (length - 1) // self.chunk // UPDATES))

    def make_optimizer(self, steps):
        """The Keras optimizer, for so many updates an epoch."""
        rate = self.learning_rate
        if self.schedule == "exponential":
            rate = keras.optimizers.schedules.ExponentialDecay(rate, steps, self.decay, staircase=True)
        elif self.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(rate, steps * self.epochs)
        own = {"initial_accumulator_value": 0.0, "epsilon": 1e-8} if self.optimizer == "adagrad" else {}
        return OPTIMIZERS[self.optimizer](rate, global_clipnorm=self.clip_norm, clipvalue=self.clip_value, **own)


RECIPES = {
    "modern": {},
    # Karpathy, "The unreasonable effectiveness of recurrent neural networks", 2015: the recipe of its 112-line program.
    "minimal": {
        "optimizer": "adagrad",
        "learning_rate": 0.1,
        "schedule": "constant",
        "batch": 1,
        "chunk": 25,
        "clip_norm": None,
        "clip_value": 5.0,
        "summed": True,
        "initial": 0.01,
    },
}


class Streams(keras.utils.PyDataset):
    """The chunks of an epoch: (batch, chunk) symbols, and those that follow each.

    Arguments:
        codes: (length,) integers, which may be memory-mapped.
        table: `table[codes]` are the model's symbols.
        batch, chunk: of a recipe.
        offset: where the first stream begins.
    """

    def __init__(self, codes, table, batch, chunk, offset=0):
        super().__init__()
        self.codes, self.table, self.chunk = codes, np.asarray(table, "int32"), chunk
        self.chunks = (len(codes) - 1) // batch // chunk
        self.starts = offset + np.arange(batch) * self.chunks * chunk

    @property
    def spare(self):
        """How many symbols at the end belong to no chunk: by so many an epoch may begin later."""
        return len(self.codes) - 1 - self.chunks * self.chunk * len(self.starts)

    def __len__(self):
        return self.chunks

    def __getitem__(self, at):
        begin = self.starts + at * self.chunk
        rows = self.table[np.stack([self.codes[b : b + self.chunk + 1] for b in begin])]
        return rows[:, :-1], rows[:, 1:]


@dataclass
class Moment:
    """Where a training is: `watch` is given one after each second or so.

    Arguments:
        epoch, epochs: which epoch, of how many.
        done, of: symbols seen in this epoch, of how many.
        loss: the mean of this epoch so far, nats per symbol.
        rate: symbols a second, over the last moments.
    """

    epoch: int
    epochs: int
    done: int
    of: int
    loss: float
    rate: float


@dataclass
class Outcome:
    """What a training did: the losses of each epoch in nats per symbol, the best epoch, and why it stopped."""

    train: list = field(default_factory=list)
    valid: list = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = "epochs"


@unalarmed()
def fit(
    carried,
    codes,
    table,
    judge,
    recipe,
    *,
    seed=0,
    progress=None,
    watch=None,
    checkpoint=None,
    identity=None,
    logs=None,
):
    """Train a network on a text, and keep the weights of the epoch that is best on the validation part.

    Arguments:
        carried: a keras.Model of (batch, time) symbols -> logits that carries its state in weights that are not trained, with
            as many streams as `recipe.streams` says.
        codes, table: as of `Streams`.
        judge: a function that gives the validation loss of the network as it is.
        recipe: a `TextRecipe`.
        seed: of where the epochs begin; the first weights and dropout have theirs already.
        progress: called as progress(epoch, train, valid), with nats per symbol.
        watch: called with a `Moment` from time to time.
        checkpoint: a folder. After each epoch all that the training needs to go on is written there, and a training that finds
            it there goes on from it, with the same result as if it had never been stopped.
        identity: what must be equal for a checkpoint to be that of this training, as JSON can hold it.
        logs: a folder for TensorBoard, to which the losses of each epoch are written; None for none.

    Returns:
        An `Outcome`. Ctrl-C stops the training and keeps the best weights so far.

    Raises:
        ValueError: the loss became NaN or infinite in the first epoch, or the checkpoint is of another training.
        KeyboardInterrupt: Ctrl-C before the end of the first epoch.

    Source: Williams & Peng, "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories", 1990.
    """
    batch = carried.inputs[0].shape[0]
    streams = Streams(codes, table, batch, recipe.chunk)
    steps, rng = len(streams), np.random.default_rng(seed)
    offsets = [0, *rng.integers(0, streams.spare + 1, recipe.epochs - 1).tolist()]
    backend = keras.backend.backend()
    jit = False if backend == "tensorflow" else "auto"  # there zoo's layers compile their loops themselves
    at_once = 1 if backend == "torch" else max(1, min(steps, -(-AT_ONCE // (batch * recipe.chunk))))
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum" if recipe.summed else "sum_over_batch_size"
    )
    carried.compile(recipe.make_optimizer(steps), loss, jit_compile=jit, steps_per_execution=at_once)
    carried.optimizer.build(carried.trainable_variables)
    variables = [*carried.variables, *carried.optimizer.variables]
    kept = Checkpoint(checkpoint, {**(identity or {}), "recipe": recipe.to_config(), "seed": seed})
    outcome = Outcome()
    best = [keras.ops.convert_to_numpy(v) for v in carried.trainable_variables]
    found = kept.read(len(variables))
    if found is not None:
        arrays, best, outcome = found[0], found[1], Outcome(**found[2])
        for variable, value in zip(variables, arrays, strict=True):
            variable.assign(value)
    scale = 1 / (batch * recipe.chunk) if recipe.summed else 1.0
    begun = len(outcome.train)
    board = tensorboard(logs) if logs else keras.callbacks.Callback()
    board.set_model(carried)
    try:
        for epoch in range(begun, recipe.epochs):
            if over(outcome, recipe):
                break
            reset(carried)
            streams = Streams(codes, table, batch, recipe.chunk, offsets[epoch])
            callbacks = [_Watch(watch, epoch + 1, recipe, steps, batch, scale)] if watch else []
            history = carried.fit(streams, epochs=1, shuffle=False, verbose=0, callbacks=callbacks)
            train, valid = history.history["loss"][0] * scale, float(judge())
            if not np.isfinite(train) or not np.isfinite(valid):
                outcome.stopped = "diverged"
                break
            outcome.train.append(train)
            outcome.valid.append(valid)
            if valid == min(outcome.valid):
                outcome.best_epoch = epoch + 1
                best = [keras.ops.convert_to_numpy(v) for v in carried.trainable_variables]
            kept.write([keras.ops.convert_to_numpy(v) for v in variables], best, asdict(outcome))
            board.on_epoch_end(epoch, {"loss": train, "val_loss": valid})
            if progress:
                progress(epoch + 1, train, valid)
    except KeyboardInterrupt:
        if not outcome.train:
            raise
        outcome.stopped = "interrupted"
    finally:
        board.on_train_end()
    if not outcome.train:
        raise ValueError(
            f"The training diverged in its first epoch. Use a learning_rate below {recipe.learning_rate:g}, or clip_norm=1"
        )
    for variable, value in zip(carried.trainable_variables, best, strict=True):
        variable.assign(value)
    if outcome.stopped == "epochs" and over(outcome, recipe):
        outcome.stopped = "validation"
    return outcome


def over(outcome, recipe):
    """Whether so many epochs brought nothing better."""
    return len(outcome.valid) - outcome.best_epoch >= recipe.patience and len(outcome.valid) < recipe.epochs


def reset(model):
    """Set the carried states of a model to 0."""
    for layer in model.layers:
        if hasattr(layer, "reset") and hasattr(layer, "states"):
            layer.reset()


class _Watch(keras.callbacks.Callback):
    def __init__(self, watch, epoch, recipe, steps, batch, scale):
        super().__init__()
        self.watch, self.epoch, self.recipe, self.scale = watch, epoch, recipe, scale
        self.each, self.steps = batch * recipe.chunk, steps
        self.time, self.before = time.perf_counter(), 0

    def on_train_batch_end(self, step, logs=None):
        done = (step + 1) * self.each
        if time.perf_counter() - self.time < 1 and step + 1 < self.steps and self.before:
            return
        loss = float(logs["loss"]) * self.scale  # waits for the updates that are under way
        now = time.perf_counter()
        rate = (done - self.before) / max(now - self.time, 1e-9)
        self.time, self.before = now, done
        if hasattr(self.model, "jax_state_sync"):  # the trainer on JAX holds the weights itself
            self.model.jax_state_sync()
        self.watch(Moment(self.epoch, self.recipe.epochs, done, self.steps * self.each, loss, rate))
