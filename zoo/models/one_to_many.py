"""A sequence from one vector, (batch, features) -> (batch, time, outputs), or from one label, symbol by symbol."""

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
        start = {} if feed == "step" else {"initial_state": begun(one, vector, level)}
        h = Recurrent(one, return_sequences=True, name=f"layer_{level}")(h, **start)
    y = keras.layers.Dense(outputs, name="readout")(h)
    return finished(given, y, (steps, outputs), gain, f"{cell}_unrolled")


def begun(cell, vector, level):
    """The states of a layer's cell, made of a vector: s_0 = tanh(W_s v + b_s)."""
    sizes = keras.tree.flatten(cell.state_size)
    return [keras.layers.Dense(n, "tanh", name=f"start_{level}_{k}")(vector) for k, n in enumerate(sizes)]


def written(
    cell, symbols, labels, *, units=64, layers=1, embedding=32, label_embedding=16, dropout=0.0, cell_options=None
):
    """A label becomes a sequence of symbols: it makes the state in which each layer begins, and nothing else.

        s_0 = tanh(W_s E'[label] + b_s),   h_t = cell(E[c_t], s_{t−1}),   P(c_{t+1} | c_1 … c_t, label) = softmax(W h_t + b)

    Arguments:
        cell: a name of `zoo.cells.CELLS`, for all layers.
        symbols, labels: how many there are.
        units, layers, embedding, cell_options: as of `zoo.models.many_to_one.reader`.
        label_embedding: width of a label's vector.
        dropout: share of the values of the symbols' vectors, and of each layer's outputs, that is dropped in training.

    Returns:
        A keras.Model of [labels (batch,), symbols (batch, time)], integers, -> logits (batch, time, symbols).

    Source: a sequence from the state that a vector makes: Sutskever, Vinyals & Le, "Sequence to sequence learning with neural
    networks", 2014; Karpathy & Fei-Fei, "Deep visual-semantic alignments", 2015.
    """
    label, numbers = keras.Input((), dtype="int32", name="label"), keras.Input((None,), dtype="int32", name="symbols")
    vector = keras.layers.Embedding(labels, label_embedding, name="label_embedding")(label)
    h = keras.layers.Embedding(symbols, embedding, name="embedding")(numbers)
    for level in range(layers):
        h = keras.layers.Dropout(dropout, name=f"dropout_{level}")(h) if dropout else h
        one = made(cell, units, 0.0, cell_options)
        start = begun(one, vector, level)
        h = Recurrent(one, return_sequences=True, name=f"layer_{level}")(h, initial_state=start)
    h = keras.layers.Dropout(dropout, name="dropout")(h) if dropout else h
    y = keras.layers.Dense(symbols, name="readout")(h)
    return keras.Model([label, numbers], y, name=f"{cell}_written".replace("-", "_"))


def halves(model):
    """The network of `written` in two, with its weights: what a label begins with, and how symbols go on from there.

    Returns:
        A keras.Model of labels (batch,) -> the states, a list of (batch, size); and one of symbols (batch, time) -> logits,
        which a `zoo.models.Generator` runs from those states.
    """
    begin = [layer.output for layer in model.layers if layer.name.startswith("start_")]
    numbers = keras.Input((None,), dtype="int32", name="symbols")
    h = model.get_layer("embedding")(numbers)
    for layer in model.layers:
        h = layer(h) if isinstance(layer, Recurrent) else h
    return keras.Model(model.inputs[0], begin), keras.Model(numbers, model.get_layer("readout")(h))
