"""A `Step` over a whole sequence, forward and backward, for XLA. Time comes first within."""

import tensorflow as tf

from zoo.layers.step_tensorflow import imported, summed


def forward(step, chunk, sequences, save, x, states, weights, constants, steps):
    """Run a sequence.

    Arguments:
        chunk: steps that are projected by one product; the padded time is a multiple of it.
        sequences, save: whether all outputs, and what the gradient needs, are returned.
        x: (batch, padded time, features). steps: how many steps of it count.

    Returns:
        The last output or, with `sequences`, all outputs, (batch, padded time, width); the last states; what is saved.
    """
    kernels, (keep, constant) = kernels_of(step, weights), over_time(step, constants)
    batch, total = tf.unstack(tf.shape(x)[:2])
    states, at = step.with_output(states), step.output_state
    records = list(step.records) if save else []
    if sequences and step.output not in records:
        records.append(step.output)
    arrays = [tf.TensorArray(r.dtype, total + r.shift) for r in records]
    arrays = [a.write(0, states[r.state]) if r.shift else a for a, r in zip(arrays, records, strict=True)]
    recorded = {
        r.state: n for n, r in enumerate(records) if r.shift
    }  # states that are read from there, and not carried
    last = [tf.zeros([batch, step.width], step.dtype)] if at is None else []

    def read(arrays, n, row):
        return tf.ensure_shape(arrays[n].read(row), [None, records[n].width])

    def all_states(others, arrays, row):
        others = iter(others)
        return [read(arrays, recorded[k], row) if k in recorded else next(others) for k in range(len(states))]

    def run_chunk(i, carry):
        first = i * chunk
        parts = step.project(rows(x, first, chunk), weights)
        parts = [tf.reshape(p, tf.stack([chunk, batch, p.shape[-1]])) for p in parts]

        def one(j, carry):
            others, _, arrays = carry
            here = [first + j, first + j + 1]  # the row of this step, by the shift of what is recorded
            now, arrays = [keep[here[0]], *constant] if step.kept else constant, list(arrays)

            def write(n, value):
                arrays[n] = arrays[n].write(here[records[n].shift], value)
                return read(arrays, n, here[records[n].shift])

            states = all_states(others, arrays, here[0])
            y, new = step.run_recorded([p[j] for p in parts], states, weights, kernels, now, records, write)
            return [s for k, s in enumerate(new) if k not in recorded], [y] if at is None else [], arrays

        return loop(tf.minimum(chunk, steps - first), one, carry)

    others = [s for k, s in enumerate(states) if k not in recorded]
    others, last, arrays = loop(-(-steps // chunk), run_chunk, (others, last, arrays))
    states = all_states(others, arrays, steps)
    arrays = [stacked(a, r.width) for a, r in zip(arrays, records, strict=True)]
    if sequences:
        output = turned(arrays[records.index(step.output)][step.output.shift :])
    else:
        output = last[0] if at is None else states[at]
    return output, step.without_output(states), arrays[: len(step.records)] if save else []


def backward(step, chunk, sequences, with_dx, x, states, weights, constants, steps, saved, d_output, d_states):
    """The gradients of `forward`'s output and last states by x ([] unless `with_dx`), states and weights."""
    kernels, (keep, constant) = kernels_of(step, weights), over_time(step, constants)
    batch, total = tf.unstack(tf.shape(x)[:2])
    transposed = {name: tf.transpose(k) for name, k in kernels.items()}
    at = step.output_state
    invariants = step.invariants(weights, kernels, constant)
    d_states, no_output = step.with_output(d_states), tf.zeros([batch, step.width], step.dtype)
    if not sequences and at is not None:  # the last output is one of the last states
        d_states = added(d_states, at, d_output)

    def run_chunk(i, carry):
        d_states, totals, d_kernels, dx, buffers = carry
        first, count = i * chunk, tf.minimum(chunk, steps - i * chunk)

        def one(j, carry):
            d_states, used, buffers = carry
            here = [first + j, first + j + 1]  # as in `forward`
            d_y = no_output
            if sequences and at is not None:
                d_states = added(d_states, at, d_output[:, here[0]])
            elif sequences:
                d_y = d_output[:, here[0]]
            elif at is None:
                d_y = tf.where(tf.equal(here[0], steps - 1), d_output, no_output)
            known = [*weights, *([keep[here[0]]] if step.kept else []), *constant]
            now = recalled(step, saved, lambda array, shift: array[here[shift]], step.residuals)
            d_states, d_used, written = step.pull(now, invariants, known, transposed, d_states, d_y)
            used = [total + d for total, d in zip(used, d_used, strict=True)]
            return d_states, used, [b.write(j, w) for b, w in zip(buffers, written, strict=True)]

        # The last, perhaps shorter chunk comes first here, while the buffers are still 0 beyond its steps.
        d_states, used, buffers = countdown(count, one, (d_states, [totals[w] for w in step.used], buffers))
        written = [flat(stacked(b, w.shape[-1])) for b, w in zip(buffers, step.written, strict=True)]
        d_kernels = dict(d_kernels)
        names = [step.factors[site] for site in step.site_places]
        factors = recalled(step, saved, lambda array, shift: steps_of(array, first + shift, chunk, batch), names)
        for (site, place), a in zip(step.site_places.items(), factors, strict=True):
            name, delta = step.sites[site][0], piece(written, place)
            matrix, dtype = step.kernels[name].shape.rank == 2, d_kernels[name].dtype
            d = tf.matmul(a, delta, transpose_a=True) if matrix else summed(tf.cast(a * delta, dtype))
            d_kernels[name] += tf.cast(d, dtype)
        upstream = [piece(written, place) for place in step.part_places]
        d_part, d_weights = step.pull_project(rows(x, first, chunk), weights, upstream, with_dx)
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


def rows(x, start, size):
    """The steps from `start` of x (batch, time, features), time first: (size · batch, features)."""
    return flat(turned(tf.slice(x, [0, start, 0], [tf.shape(x)[0], size, x.shape[-1]])))


def steps_of(array, start, size, batch):
    """array[start : start + size] of (time, batch, width), as rows, with a size that XLA can see."""
    return flat(tf.slice(array, [start, 0, 0], [size, batch, array.shape[-1]]))


def flat(tensor):
    return tf.reshape(tensor, [-1, tensor.shape[-1]])


def stacked(array, width):
    return tf.ensure_shape(array.stack(), [None, None, width])


def recalled(step, saved, at, names):
    """The tensors of these names in the graph of a step: as recorded, or made anew of what is. `at(array, shift)`: its rows."""
    known = {}
    for record, array in zip(step.records, saved, strict=True):
        known[record.name] = at(array, record.shift)
        if record.before:
            known[record.before] = at(array, 0)
    return imported(step.graph_def, known, names)


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
