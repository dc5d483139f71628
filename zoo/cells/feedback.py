"""The NARX network with a recurrent core: the output fed back to any cell."""

import keras
from keras import ops

from zoo.cells.base import RecurrentCell, check_units, register, stepped
from zoo.cells.narx import NARXCell, beside_the_truth, check_taps
from zoo.cells.wrappers import CellWrapper, Zoneout


@register
class FeedbackCell(RecurrentCell):
    """NARX with a recurrent core: any cell, or several one above the other, where NARX has its hidden layer.

        h_t, s_t = core([x_t, y_{t−1} … y_{t−K}], s_{t−1})
        y_t = g(V h_t + d [+ S x_t + R y])

    The core remembers by its own state s what the taps do not hold. In a recurrent layer the cell runs in **closed loop**,
    on its own outputs; `zoo.layers.OpenLoop(cell)` feeds it the true past outputs instead, with the same weights. With
    `truth` the cell is given the truth beside the input, [x_t, y_t], NaN where it is not known: it predicts first, and then
    notes the truth, or its own output where there is none. So the same cell warms its state up on a known past, and runs
    free from its end on; and it trains in closed loop in stretches of any length.

    Sources: Jordan 1986 and Lin, Horne, Tiňo & Giles 1996 for the fed-back output; Williams & Zipser, "A learning algorithm
    for continually running fully recurrent neural networks", 1989, for the truth in its place (teacher forcing).

    Weights: of the core, whose input is [x, the fed-back outputs, the newest first]; output_kernel V (units, outputs) and
    output_bias d (outputs), with `units` the width of the core's output; with `skip` also skip_kernel S (input_dim, outputs)
    and recurrent_skip_kernel R (K·outputs, outputs).

    Arguments:
        core: a cell of zoo.cells, or a wrapper around one; or a list of them, one above the other. Dropout within a core, and
            Zoneout, are refused: they would not be drawn.
        outputs: how many series are predicted at once.
        output_taps: delays of the fed-back outputs: an int K for 1 … K, or the list of delays.
        output_activation: g, linear by default.
        skip: whether there is a linear path from the input and the taps to the output.
        truth: whether the input's last `outputs` columns are the truth of the step.
        use_bias: whether the output has a bias.
        dropout: share of the inputs x that is set to 0 in training, one mask a sequence; seed: of the masks.
        kernel_initializer, …: of the output's weights, as of every cell.

    Shapes: inputs (batch, input_dim), with `truth` (batch, input_dim + outputs); output (batch, outputs). The states are the
    past outputs (batch, max(output_taps)·outputs), newest first, and those of the core.

    Raises:
        TypeError: the core is not a cell of zoo.cells.
        ValueError: the core has a dropout of its own; the input does not hold the truth.

    Example:
        >>> cell = zoo.cells.FeedbackCell(zoo.cells.GRUCell(16), output_taps=2)
        >>> layer = zoo.layers.Recurrent(cell, return_sequences=True)
        >>> tuple(layer(np.zeros((2, 5, 3), "float32")).shape)
        (2, 5, 1)
    """

    def __init__(
        self, core, *, outputs=1, output_taps=1, output_activation="linear", skip=False, truth=False, **kwargs
    ):
        cores = list(core) if isinstance(core, (list, tuple)) else [core]
        for each in cores or [core]:
            check_core(each)
        if kwargs.get("recurrent_dropout"):
            raise ValueError(
                "FeedbackCell has no recurrent_dropout: nothing but its core multiplies a state by a matrix"
            )
        kwargs.pop("units", None)  # in a config; it is the core's
        super().__init__(cores[-1].output_size, **kwargs)
        self.cores = cores
        self.outputs = self.output_size = check_units(outputs, "outputs")
        self.output_taps = check_taps(output_taps, "output_taps", smallest=1)
        self.output_activation = keras.activations.get(output_activation)
        self.skip, self.truth = bool(skip), bool(truth)
        self.state_size = [max(self.output_taps, default=0) * self.outputs, *(n for c in cores for n in sizes(c))]

    def build(self, input_shape):
        width = self.check_input(input_shape) - self.outputs * self.truth
        if width < 0:
            raise ValueError(
                f"FeedbackCell with truth=True takes [x, y]: at least outputs={self.outputs} columns. Received: "
                f"{input_shape[-1]}"
            )
        taps = len(self.output_taps) * self.outputs
        below = width + taps
        for core in self.cores:
            if not core.built:
                core.build((input_shape[0], below))
                core.built = True
            below = core.output_size
        self.output_kernel = self.weight("output_kernel", self.units, self.outputs)
        if self.use_bias:
            self.output_bias = self.weight("output_bias", self.outputs)
        if self.skip:
            self.skip_kernel = self.weight("skip_kernel", width, self.outputs)
            self.recurrent_skip_kernel = self.weight("recurrent_skip_kernel", taps, self.outputs, initializer="zeros")

    def project(self, inputs):
        x = inputs[..., : -self.outputs] if self.truth else inputs
        linear = (self.linear(x),) if self.skip else ()
        return (x, *linear, *((inputs[..., -self.outputs :],) if self.truth else ()))

    def linear(self, x):
        """What `skip` makes of the input."""
        return ops.matmul(x, self.skip_kernel) if self.skip else None

    def step(self, projected, states, recur):
        (x, *projected), (past, *states) = projected, states
        taps, new = self.taps(past), []
        h = ops.concatenate([x, taps], axis=-1)
        for core in self.cores:
            count = len(sizes(core))
            h, own = stepped(core, core.project(h), tuple(states[:count]), core.innermost().recur)
            states = states[count:]
            new += own
        y = self.output(h, taps, projected[0] if self.skip else None, recur)
        noted = y
        if self.truth:
            noted = ops.where(ops.isnan(projected[-1]), y, projected[-1])
        return y, (ops.concatenate([noted, past], axis=-1)[..., : past.shape[-1]], *new)

    taps = NARXCell.taps

    def output(self, h, taps, linear, recur):
        """y of the core's output, the fed-back outputs, and what `skip` makes of the input."""
        y = recur("output_kernel", h)
        if self.use_bias:
            y = y + self.output_bias
        if self.skip:
            y = recur("recurrent_skip_kernel", taps, y) + linear
        return self.output_activation(y)

    def get_dropout_mask(self, step_input):
        mask = super().get_dropout_mask(step_input)
        return beside_the_truth(mask, self.outputs) if self.truth else mask

    def within(self):
        return self.cores

    def of_the_zoo(self):
        return super().of_the_zoo() and all(core.of_the_zoo() for core in self.cores)

    def beyond_step(self, training=False):
        return next(filter(None, (super().beyond_step(training), *(c.beyond_step(training) for c in self.cores))), None)

    def get_config(self):
        config = super().get_config()
        del config["units"]
        cores = [keras.saving.serialize_keras_object(core) for core in self.cores]
        return {
            **config,
            "core": cores,
            "outputs": self.outputs,
            "output_taps": list(self.output_taps),
            "output_activation": keras.activations.serialize(self.output_activation),
            "skip": self.skip,
            "truth": self.truth,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "core": [keras.saving.deserialize_keras_object(core) for core in config["core"]]})


def sizes(cell):
    """The widths of a cell's states."""
    return list(cell.state_size) if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]


def check_core(cell):
    if not isinstance(cell, (RecurrentCell, CellWrapper)):
        raise TypeError(
            f"FeedbackCell goes around a cell of zoo.cells, such as zoo.cells.GRUCell(16). Received: {cell!r}"
        )
    inner = cell
    while isinstance(inner, CellWrapper):
        if isinstance(inner, Zoneout):
            raise ValueError("Zoneout within a FeedbackCell would not be drawn: leave it out.")
        inner = inner.cell
    if not isinstance(inner, RecurrentCell):
        check_core(inner)
    if inner.dropout or inner.recurrent_dropout:
        raise ValueError(
            "The dropout of a core within a FeedbackCell would not be drawn: give `dropout` to the FeedbackCell instead."
        )
