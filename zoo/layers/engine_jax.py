"""The compiled recurrent loop for JAX: any cell over a whole sequence, as a scan over chunks of time.

A chunk is projected by one product, then stepped through. `jax.vjp` of its steps gives the gradient by the result of each
product with a weight, not by the weight, whose own gradient is then one product a chunk. All the rest (the projection,
columns of weights, one chunk after the other) JAX differentiates by itself.
"""

import jax
import numpy as np
from jax import numpy as jnp

from zoo.cells.base import parted, stepped
from zoo.layers.functional import project, substituted
from zoo.layers.precision import arrays

SHORT = 40  # up to so many steps are one chunk
# What is saved for the backward pass; the rest is cheaper to compute again, from these, than to keep.
SAVED = {"dot_general", "tanh", "logistic", "exp", "log", "log1p", "erf", "pow", "sqrt", "rsqrt", "reduce_sum"}


class Engine:
    """A cell over a whole sequence, compiled once for each size of batch and time.

    Arguments:
        cell: the cell, built.
        chunk: steps that are projected by one product; None to choose.
        shards: not used: JAX itself spreads its work.
    """

    def __init__(self, cell, chunk=None, shards=None):
        self.cell, self.chunk = cell, chunk
        self.compiled = jax.jit(self.run, static_argnames=("masks", "sequences", "zero_output"))

    @staticmethod
    def obstacle():
        """Why no sequence can be run just now, in words: nothing is in the way."""

    @staticmethod
    def about(cells, training, masked):
        """What runs these cells, in words."""
        return "compiled loop on jax"

    @staticmethod
    def sizes(batch, time, chunk=None, shards=None):
        """Steps a chunk, and None for the shards."""
        if chunk or not isinstance(time, int):
            return chunk or 10, None
        nearest = min(range(6, 21), key=lambda size: (time % size > 0, abs(size - 10)))
        return time if time <= SHORT else nearest, None

    def __call__(
        self, x, states, keep=None, recurrent_mask=None, *, masks=0, sequences=True, zero_output=False, training=False
    ):
        """`last output, outputs or None, last states` of x (batch, time, features) from `states`, a list of (batch, width).

        keep: boolean (batch, time, 1), False for masked steps. recurrent_mask: of recurrent dropout. masks: how many of the
        features, the last ones, are masks drawn for each step.
        """
        weights = arrays(self.cell.weights)
        states = [jnp.asarray(state, x.dtype) for state in states]
        options = {"masks": masks, "sequences": sequences, "zero_output": zero_output}
        return self.compiled(x, states, weights, keep, recurrent_mask, **options)

    def run(self, x, states, weights, keep, recurrent_mask, masks, sequences, zero_output):
        cell, time = self.cell, x.shape[1]
        chunk = min(self.sizes(None, time, self.chunk)[0], time) if isinstance(time, int) else 1
        steps = Steps(cell, x[:, 0], states, weights, keep is not None, recurrent_mask, masks, sequences, zero_output)
        kernels, used = steps.kernels(weights), {i: weights[i] for i in steps.used}

        def one(carry, given):
            x, keep = given
            with substituted(cell, weights, cell.compute_dtype):
                parts = jax.tree.leaves(project(cell, x.reshape(x.shape[0] * x.shape[1], x.shape[-1]), masks))
            parts = [part.reshape(*x.shape[:2], *part.shape[1:]) for part in parts]
            return steps.run(carry, parts, keep, kernels, used, recurrent_mask)

        def scan(carry, start, stop, size):
            chunks = jax.tree.map(lambda a: a[start:stop].reshape((stop - start) // size, size, *a.shape[1:]), given)
            carry, outputs = jax.lax.scan(one, carry, chunks)
            return carry, outputs.reshape(-1, *outputs.shape[2:]) if sequences else None

        given, carry, outputs = jax.tree.map(turned, (x, keep)), steps.start(states), []
        whole = time // chunk * chunk
        for start, stop, size in ((0, whole, chunk), (whole, time, time - whole)):
            if stop > start:
                carry, some = scan(carry, start, stop, size)
                outputs.append(some)
        finals = list(carry[: len(states)])
        if not sequences:
            return carry[steps.last], None, finals
        outputs = turned(jnp.concatenate(outputs))
        return outputs[:, -1], outputs, finals


class Steps:
    """The steps of a cell over one chunk of time: `run`, with a gradient of its own. It keeps no array.

    sites: of each product in `step`, the name of the weight and the shape of the result.
    used: which of the cell's weights `step` takes by itself.
    last: where the last output is among what is carried from step to step, if not all outputs are asked for.
    """

    def __init__(self, cell, x, states, weights, masked, recurrent_mask, masks, sequences, zero_output):
        self.cell, self.core, self.count = cell, cell.innermost(), len(states)
        self.sequences, self.zero_output = sequences, zero_output
        self.blank = [jax.ShapeDtypeStruct(weight.shape, weight.dtype) for weight in weights]
        self.sites, at = [], None

        def look(x, states):
            nonlocal at

            def recur(name, a, *added):
                kernel = self.core.matrix(name).shape
                shape = (*a.shape[:-1], kernel[-1]) if len(kernel) == 2 else np.broadcast_shapes(a.shape, kernel)
                self.sites.append((name, jax.ShapeDtypeStruct(shape, a.dtype)))
                return self.core.recur(name, a, *added)

            with substituted(cell, weights, cell.compute_dtype):
                projected = project(cell, x, masks)
                y, new = stepped(cell, projected, tuple(states), self.dropped(recur, recurrent_mask))
            at = next((i for i, state in enumerate(new) if state is y), None)
            return projected, y

        projected, self.output = jax.eval_shape(look, x, states)
        parts, self.layout = jax.tree.flatten(projected)
        self.carries = (masked and not zero_output) or (not sequences and (masked or at is None))
        self.last = self.count if self.carries else at
        keep = jax.ShapeDtypeStruct((x.shape[0], 1), bool) if masked else None
        notes = [shape for _, shape in self.sites]
        trial = jax.make_jaxpr(self.step)(
            dict(enumerate(weights)), self.start(states), parts, keep, notes, self.kernels(weights), recurrent_mask
        ).jaxpr
        self.used = [i for i in range(len(weights)) if trial.invars[i] in live(trial)]
        self.run = jax.custom_vjp(self._run)
        self.run.defvjp(self._forward, self._backward)

    def kernels(self, weights):
        """The weights that `recur` multiplies, by name, in the precision of the variables."""
        with substituted(self.cell, weights, self.cell.variable_dtype):
            return {name: jnp.asarray(self.core.matrix(name)) for name, _ in self.sites}

    def start(self, states):
        """What is carried into the first step: the states and, if need be, the output before it, which is 0."""
        return [*states, jnp.zeros(self.output.shape, self.output.dtype)] if self.carries else list(states)

    def dropped(self, recur, mask):
        return recur if mask is None else self.cell.masked(recur, mask)

    def step(self, used, carry, parts, keep, notes, kernels, mask):
        """`carry, (output or None, what was multiplied at each site)`."""
        weights = [used.get(i, jnp.zeros(w.shape, w.dtype)) for i, w in enumerate(self.blank)]
        states, factors, notes = tuple(carry[: self.count]), [], iter(notes)

        def recur(name, a, *added):
            factors.append(a)
            kernel = kernels[name].astype(a.dtype)
            if kernel.ndim == 1:
                return parted(noted(a * kernel, next(notes)), added)
            return parted(self.core.normalise(name, noted(jnp.matmul(a, kernel), next(notes))), added)

        with substituted(self.cell, weights, self.cell.compute_dtype):
            y, new = self.cell.step(jax.tree.unflatten(self.layout, parts), states, self.dropped(recur, mask))
        if keep is not None:
            new = [jnp.where(keep, after, before) for after, before in zip(new, states, strict=True)]
            y = jnp.where(keep, y, jnp.zeros_like(y) if self.zero_output else carry[-1])
        return [*new, y] if self.carries else list(new), (y if self.sequences else None, factors)

    # ---------------------------------------------------------------- a chunk, and its gradient
    def _scan(self, used, carry, parts, keep, notes, kernels, mask):
        step = jax.checkpoint(self.step, prevent_cse=False, policy=lambda primitive, *_, **__: primitive.name in SAVED)

        def body(carry, now):
            parts, keep, notes = now
            return step(used, carry, parts, keep, notes, kernels, mask)

        carry, (outputs, factors) = jax.lax.scan(body, carry, (parts, keep, notes))
        return (carry, outputs), factors

    def _notes(self, parts):
        return [jnp.zeros((len(parts[0]), *like.shape), like.dtype) for _, like in self.sites]

    def _run(self, carry, parts, keep, kernels, used, mask):
        return self._scan(used, carry, parts, keep, self._notes(parts), kernels, mask)[0]

    def _forward(self, carry, parts, keep, kernels, used, mask):
        def run(used, carry, parts, notes):
            return self._scan(used, carry, parts, keep, notes, kernels, mask)

        results, pull, factors = jax.vjp(run, used, carry, parts, self._notes(parts), has_aux=True)
        return results, (pull, factors, kernels)

    def _backward(self, saved, d_results):
        pull, factors, kernels = saved
        d_used, d_carry, d_parts, d_products = pull(d_results)
        d_kernels = dict.fromkeys(kernels, 0.0)
        for (name, _), a, d in zip(self.sites, factors, d_products, strict=True):
            d_kernels[name] += kernel_gradient(a, d, kernels[name])
        return d_carry, d_parts, None, d_kernels, d_used, None


@jax.custom_vjp
def noted(product, note):
    """The product; the gradient by `note` is that by the product."""
    return product


noted.defvjp(lambda product, note: (product, None), lambda _, d: (d, d))


def kernel_gradient(a, d, kernel):
    """The gradient of a · kernel by the kernel, in its precision, for all steps at once."""
    if kernel.ndim == 2:
        return jnp.tensordot(a, d, axes=((0, 1), (0, 1)), preferred_element_type=kernel.dtype)
    return jax.vjp(lambda k: a.astype(k.dtype) * k, kernel)[1](d.astype(kernel.dtype))[0]


def live(jaxpr):
    """The variables of a trace that its results depend on."""
    found = set(jaxpr.outvars)
    for equation in reversed(jaxpr.eqns):
        if not found.isdisjoint(equation.outvars):
            found.update(v for v in equation.invars if not hasattr(v, "val"))
    return found


def turned(a):
    """Batch first to time first, and back."""
    return jnp.swapaxes(a, 0, 1)
