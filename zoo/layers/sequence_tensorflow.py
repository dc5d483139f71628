"""A `Step` over a whole sequence, forward and backward, for XLA. Time comes first within."""

import tensorflow as tf


def forward(step, chunk, sequences, save, x, states, weights, constants, steps):
    """Run a sequence.

    Arguments:
        chunk: steps that are projected by one product; the padded time is a multiple of it.
        sequences, save: whether all outputs, and what the gradient needs, are returned.
        x: (batch, padded time, features). steps: how many steps of it count.

    Returns:
        The last output or, with `sequences`, all outputs, (batch, padded time, width); the last states; what is saved.
    """
    x, kernels = turned(x), kernels_of(step, weights)
    (total, batch), (keep, constant) = tf.unstack(tf.shape(x)[:2]), over_time(step, constants)
    states, at = step.with_output(states), step.output_state
    outputs = []
    if sequences or (save and at is not None):  # row t + 1 is the output of step t, and row t what step t sees of it
        start = tf.zeros([batch, step.width], step.dtype) if at is None else states[at]
        outputs = [tf.TensorArray(step.dtype, total + 1).write(0, start)]
    packs = [tf.TensorArray(dtype, total) for dtype in packs_of(step)] if save else []

    def run_chunk(i, carry):
        first = i * chunk
        parts = step.project(rows(x, first, chunk), weights)
        parts = [tf.reshape(p, tf.stack([chunk, batch, p.shape[-1]])) for p in parts]

        def one(j, carry):
            states, _, outputs, packs = carry
            now = [keep[first + j], *constant] if step.kept else constant
            y, new, saved, _ = step.run([p[j] for p in parts], states, weights, kernels, now)
            outputs = [a.write(first + j + 1, y) for a in outputs]
            packs = [a.write(first + j, v) for a, v in zip(packs, packed(step, saved) if save else [], strict=True)]
            return new, y, outputs, packs

        return loop(tf.minimum(chunk, steps - first), one, carry)

    carry = states, tf.zeros([batch, step.width], step.dtype), outputs, packs
    states, last, outputs, packs = loop(-(-steps // chunk), run_chunk, carry)
    outputs = [stacked(a, step.width) for a in outputs]
    packs = [stacked(a, sum(widths)) for a, widths in zip(packs, packs_of(step).values() if save else [], strict=True)]
    saved = [*outputs, *packs] if save and at is not None else packs
    return turned(outputs[0][1:]) if sequences else last, step.without_output(states), saved


def backward(step, chunk, sequences, with_dx, x, states, weights, constants, steps, saved, d_output, d_states):
    """The gradients of `forward`'s output and last states by x ([] unless `with_dx`), states and weights."""
    x, kernels = turned(x), kernels_of(step, weights)
    (total, batch), (keep, constant) = tf.unstack(tf.shape(x)[:2]), over_time(step, constants)
    transposed = {name: tf.transpose(k) for name, k in kernels.items()}
    at = step.output_state
    before, packs = (None, saved) if at is None else (saved[0], saved[1:])
    invariants = step.invariants(weights, kernels, constant)
    d_states, no_output = step.with_output(d_states), tf.zeros([batch, step.width], step.dtype)
    if sequences:
        d_output = turned(d_output)
    elif at is not None:  # the last output is one of the last states
        d_states = added(d_states, at, d_output)

    def run_chunk(i, carry):
        d_states, totals, d_kernels, dx, buffers = carry
        first = i * chunk
        parts, count = unpacked(step, [rows(p, first, chunk) for p in packs]), tf.minimum(chunk, steps - first)

        def one(j, carry):
            d_states, used, buffers = carry
            d_y = no_output
            if sequences and at is not None:
                d_states = added(d_states, at, d_output[first + j])
            elif sequences:
                d_y = d_output[first + j]
            elif at is None:
                d_y = tf.where(tf.equal(first + j, steps - 1), d_output, no_output)
            known = [*weights, *([keep[first + j]] if step.kept else []), *constant]
            d_states, d_used, written = step.pull([p[j] for p in parts], invariants, known, transposed, d_states, d_y)
            used = [total + d for total, d in zip(used, d_used, strict=True)]
            return d_states, used, [b.write(j, w) for b, w in zip(buffers, written, strict=True)]

        # The last, perhaps shorter chunk comes first here, while the buffers are still 0 beyond its steps.
        d_states, used, buffers = countdown(count, one, (d_states, [totals[w] for w in step.used], buffers))
        written = [flat(stacked(b, w.shape[-1])) for b, w in zip(buffers, step.written, strict=True)]
        d_kernels = dict(d_kernels)
        for site, place in step.site_places.items():
            name, factor = step.sites[site][0], step.factors[site]
            a, delta = flat(rows(before, first, chunk) if factor is None else parts[factor]), piece(written, place)
            matrix = step.kernels[name].shape.rank == 2
            d = tf.matmul(a, delta, transpose_a=True) if matrix else tf.reduce_sum(a * delta, 0)
            d_kernels[name] += tf.cast(d, d_kernels[name].dtype)
        with tf.GradientTape() as tape:
            part = rows(x, first, chunk)
            tape.watch([part, weights])
            projected = step.project(part, weights)
        upstream = [piece(written, place) for place in step.part_places]
        d_part, d_weights = tape.gradient(projected, [part if with_dx else [], weights], upstream)
        totals = list(totals)
        for w, d in zip(step.used, used, strict=True):
            totals[w] = d
        totals = [total if d is None else total + d for total, d in zip(totals, d_weights, strict=True)]
        return d_states, totals, d_kernels, [a.write(first // chunk, d_part) for a in dx], buffers

    derived = step.matrices(weights)
    carry = (
        d_states,
        [tf.zeros_like(w) for w in weights],
        {name: tf.zeros_like(k) for name, k in derived.items()},
        [tf.TensorArray(x.dtype, total // chunk)] * with_dx,
        [tf.TensorArray(w.dtype, chunk) for w in step.written],
    )
    d_states, totals, d_kernels, dx, _ = countdown(-(-steps // chunk), run_chunk, carry)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        derived = step.matrices(weights)
    names = list(derived)
    via = tape.gradient([derived[n] for n in names], weights, [d_kernels[n] for n in names])
    totals = [total if d is None else total + d for total, d in zip(totals, via, strict=True)]
    dx = [turned(tf.reshape(a.stack(), tf.stack([total, batch, x.shape[-1]]))) for a in dx]
    return dx, step.without_output(d_states), totals


# ---------------------------------------------------------------- small parts
def loop(count, body, carry):
    return tf.while_loop(lambda i, _: i < count, lambda i, carry: (i + 1, body(i, carry)), (0, carry))[1]


def countdown(count, body, carry):
    """From the last one. No index is made from `count`: XLA would take it for a constant and compile for each value."""
    return tf.while_loop(lambda i, _: i >= 0, lambda i, carry: (i - 1, body(i, carry)), (count - 1, carry))[1]


def turned(tensor):
    """Batch-major to time-major, and back."""
    return tf.transpose(tensor, (1, 0, 2))


def rows(array, start, size):
    """array[start : start + size], with a size that XLA can see."""
    start = tf.stack([start] + [0] * (len(array.shape) - 1))
    return tf.slice(array, start, tf.concat([[size], tf.shape(array)[1:]], 0))


def flat(tensor):
    return tf.reshape(tensor, tf.stack([tf.shape(tensor)[0] * tf.shape(tensor)[1], tensor.shape[-1]]))


def stacked(array, width):
    return tf.ensure_shape(array.stack(), [None, None, width])


def piece(written, place):
    """A gradient, where it lies among those written."""
    n, start, width = place
    return written[n][:, start : start + width]


def added(states, at, d):
    return [s + d if i == at else s for i, s in enumerate(states)]


def kernels_of(step, weights):
    return {name: tf.cast(k, step.dtype) for name, k in step.matrices(weights).items()}


def over_time(step, constants):
    """The mask, time first, or None; and a list of what is the same at every step."""
    return (turned(constants[0]), constants[1:]) if step.kept else (None, constants)


def packs_of(step):
    """What is saved lies side by side in one array a dtype: dtype -> widths."""
    packs = {}
    for each in step.saved:
        packs.setdefault(each.dtype, []).append(each.shape[-1])
    return packs


def packed(step, saved):
    return [tf.concat([s for s in saved if s.dtype == dtype], -1) for dtype in packs_of(step)]


def unpacked(step, packs):
    """Arrays (…, width) as saved. Split for many steps at once: what is cut by the step and then split is slow code."""
    groups = zip(packs_of(step).items(), packs, strict=True)
    parts = {dtype: iter(tf.split(pack, widths, -1)) for (dtype, widths), pack in groups}
    return [next(parts[each.dtype]) for each in step.saved]
