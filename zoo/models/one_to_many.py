"""A sequence from one vector: (batch, features) -> (batch, time, outputs)."""

import keras

from zoo.layers import Recurrent
from zoo.models.many_to_many import finished, made

FEEDS = ("state", "step", "both")


def unrolled(
    cell,
    features,
    steps,
    outputs,
    *,
    inputs=0,
    units=32,
    layers=1,
    feed="both",
    dropout=0.0,
    gain=False,
    cell_options=None,
):
    """A cell that starts in a state made of the vector v, and is given v and what is known of each step.

        s_0 = tanh(W_s v + b_s),   h_t = cell([v, x_t], s_{t−1}),   ŷ_t = W h_t + b,   or with `gain`   ŷ_t = g_t ⊙ (W h_t + b)

    Arguments:
        cell: a name of `zoo.cells.CELLS`, for all layers.
        features, steps, outputs: the width of v, the length and the width of what comes out.
        inputs: how many numbers are known of each step beforehand, x_t; 0 for none.
        units, layers, dropout, gain, cell_options: as of `zoo.models.many_to_many.aligned`.
        feed: where v goes: "state" (s_0 alone), "step" (an input of every step, from a state of 0), or "both".

    Returns:
        A keras.Model of v (batch, features), then x (batch, steps, inputs) if there are inputs, then g with `gain`, ->
        (batch, steps, outputs).

    Raises:
        ValueError: `feed` is none of the three, or leaves the steps without any input.

    Source: a vector as the initial state, and as an input of every step: Vinyals, Toshev, Bengio & Erhan, "Show and tell",
    2015; Karpathy & Fei-Fei, "Deep visual-semantic alignments", 2015.
    """
    if feed not in FEEDS or (feed == "state" and not inputs):
        raise ValueError(
            f'feed must be "state" (which needs inputs of each step), "step" or "both". Received: {feed!r}, {inputs} input(s)'
        )
    vector = keras.Input((features,), name="vector")
    given, parts = [vector], []
    if feed != "state":
        parts.append(keras.layers.RepeatVector(steps, name="repeated")(vector))
    if inputs:
        given.append(keras.Input((steps, inputs), name="x"))
        parts.append(given[-1])
    h = parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="steps")(parts)
    for level in range(layers):
        one = made(cell, units, dropout, cell_options)
        sizes, start = keras.tree.flatten(one.state_size), {}
        if feed != "step":
            states = [keras.layers.Dense(n, "tanh", name=f"start_{level}_{k}")(vector) for k, n in enumerate(sizes)]
            start = {"initial_state": states}
        h = Recurrent(one, return_sequences=True, name=f"layer_{level}")(h, **start)
    y = keras.layers.Dense(outputs, name="readout")(h)
    return finished(given, y, (steps, outputs), gain, f"{cell}_unrolled")
