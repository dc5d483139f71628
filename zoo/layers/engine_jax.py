"""The compiled recurrent loop for JAX."""

import contextlib

import jax
import keras
from jax import numpy as jnp
from keras.src.backend.common.variables import AutocastScope  # a variable's dtype follows it; nothing public sets it
import os
REMAT = os.environ.get("REMAT", "1") == "1"
UNROLL = int(os.environ.get("UNROLL", "1"))
OUTER = os.environ.get("OUTER", "1") == "1"
NOTED = os.environ.get("NOTED", "1") == "1"

CHEAP = {
    "add", "add_any", "sub", "mul", "neg", "max", "min", "select_n", "convert_element_type", "broadcast_in_dim",
    "reshape", "squeeze", "slice", "split", "concatenate", "integer_pow", "square", "gt", "ge", "lt", "le", "eq", "and", "not", "copy","pjit",
}


class Engine:
    def __init__(self, cell, chunk=None, shards=None):
        self.cell, self.core, self.chunk = cell, cell.innermost(), chunk
        self.compiled = jax.jit(self.run, static_argnames=("sequences", "zero_output"))

    @staticmethod
    def obstacle():
        return None

    @staticmethod
    def sizes(batch, time, chunk=None, shards=None):
        if chunk is None:
            chunk = 10 if time is None else time if time <= 16 else min(range(6, 17), key=lambda c: (time % c > 0, abs(c - 10)))
        return chunk, None

    def __call__(self, x, states, keep=None, recurrent_mask=None, *, sequences=True, zero_output=False, training=False):
        with AutocastScope(None):
            weights = [jnp.asarray(v.value) for v in self.cell.weights]
        return self.compiled(x, states, weights, keep, recurrent_mask, sequences=sequences, zero_output=zero_output)

    def run(self, x, states, weights, keep, recurrent_mask, sequences, zero_output):
        batch, time = x.shape[:2]
        chunk = min(time, self.sizes(batch, time, self.chunk)[0])
        step = Step(self, x[:, 0], states, weights, keep, recurrent_mask, sequences, zero_output)
        with self.substituted(weights):
            kernels = {name: jnp.asarray(self.core.matrix(name)) for name in step.names}
        used = [weights[i] for i in step.used]

        def one(carry, xs):
            x, keep = xs
            with self.substituted(weights, self.cell.compute_dtype):
                parts = jax.tree.leaves(self.cell.project(x.reshape(-1, x.shape[-1])))
            parts = [p.reshape(*x.shape[:2], p.shape[-1]) for p in parts]
            return step.scanned(parts, keep, carry, kernels, used, recurrent_mask)

        xs = jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), (x, keep))
        carry, whole, outputs = step.start(states), time // chunk, []
        def scan(carry, xs, size):
            carry, ys = jax.lax.scan(one, carry, jax.tree.map(lambda a: a.reshape(-1, size, *a.shape[1:]), xs))
            return carry, jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), ys)
        if OUTER:
            pieces = [(0, whole * chunk, chunk)] + [(whole * chunk, time, time - whole * chunk)] * (time % chunk > 0)
        else:
            pieces = [(i, min(i + chunk, time), min(chunk, time-i)) for i in range(0, time, chunk)]
        for start, stop, size in pieces:
            carry, ys = scan(carry, jax.tree.map(lambda a: a[start:stop], xs), size)
            outputs.append(ys)
        finals = carry[: len(states)]
        if sequences:
            outputs = jnp.swapaxes(jnp.concatenate(outputs) if len(outputs) > 1 else outputs[0], 0, 1)
            return outputs[:, -1], outputs, finals
        return carry[step.last], None, finals

    @contextlib.contextmanager
    def substituted(self, arrays, dtype=None):
        with AutocastScope(dtype), keras.StatelessScope(list(zip(self.cell.weights, arrays, strict=True))):
            yield


@jax.custom_vjp
def noted(product, note):
    return product
noted.defvjp(lambda product, note: (product, None), lambda _, d: (d, d))


class Step:
    def __init__(self, engine, x, states, weights, keep, recurrent_mask, sequences, zero_output):
        self.engine, self.cell, self.core = engine, engine.cell, engine.core
        self.sequences, self.zero_output, self.dtype = sequences, zero_output, x.dtype
        self.masked = keep is not None
        self.shapes = [w.shape for w in weights]
        self.wdtypes = [w.dtype for w in weights]
        self.sites, self.count = [], len(states)

        def trial(x, states, weights):
            def recur(name, a, *added):
                kernel = jnp.zeros(self.core.matrix(name).shape, a.dtype)
                product = jnp.matmul(a, kernel) if kernel.ndim == 2 else a * kernel
                self.sites.append((name, product.shape, product.dtype))
                return self.joined(name, product, added)
            if recurrent_mask is not None:
                recur = self.cell.masked(recur, jnp.zeros(recurrent_mask.shape, recurrent_mask.dtype))
            with engine.substituted(weights, self.cell.compute_dtype):
                projected = self.cell.project(x)
                self.layout = jax.tree.structure(projected)
                projected = jax.tree.map(lambda p: jnp.zeros(p.shape, p.dtype), projected)
                y, new = self.cell.step(projected, tuple(states), recur)
            self.width = y.shape[-1]
            at = next((i for i, s in enumerate(new) if s is y), None)
            self.carries = (self.masked and not zero_output) or (not sequences and (at is None or self.masked))
            self.last = self.count if self.carries else at
            return y, new
        like = lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype)
        jaxpr = jax.make_jaxpr(trial)(*jax.tree.map(like, (x, states, weights))).jaxpr
        self.names = list(dict.fromkeys(n for n, *_ in self.sites))
        live = set(map(id, jaxpr.outvars))
        for eqn in reversed(jaxpr.eqns):
            if any(id(v) in live for v in eqn.outvars):
                live.update(map(id, eqn.invars))
        offset = len(jaxpr.invars) - len(weights)
        self.used = [i for i in range(len(weights)) if id(jaxpr.invars[offset + i]) in live]
        self.scanned = jax.custom_vjp(self._scanned)
        self.scanned.defvjp(self._forward, self._backward)

    def joined(self, name, product, added):
        if self.core.matrix(name).ndim == 2:
            product = self.core.normalise(name, product)
        if not added:
            return product
        parts = [p + b for p, b in zip(jnp.split(product, len(added), axis=-1), added, strict=True)]
        return parts[0] if len(parts) == 1 else parts

    def start(self, states):
        return [*states, jnp.zeros((states[0].shape[0], self.width), self.dtype)] if self.carries else list(states)

    def step(self, parts, keep, carry, kernels, used, mask, notes):
        factors, states = [], carry[: self.count]
        notes = iter(notes)
        def recur(name, a, *added):
            factors.append(a)
            product = jnp.matmul(a, kernels[name]) if kernels[name].ndim == 2 else a * kernels[name]
            note = next(notes)
            return self.joined(name, noted(product, note) if NOTED else product + note, added)
        if mask is not None:
            recur = self.cell.masked(recur, mask)
        given = dict(zip(self.used, used, strict=True))
        weights = [given[i] if i in given else jnp.zeros(s, d) for i, (s, d) in enumerate(zip(self.shapes, self.wdtypes))]
        with self.engine.substituted(weights, self.cell.compute_dtype):
            y, new = self.cell.step(jax.tree.unflatten(self.layout, parts), tuple(states), recur)
        if keep is not None:
            new = [jnp.where(keep, n, s) for n, s in zip(new, states, strict=True)]
            y = jnp.where(keep, y, jnp.zeros_like(y) if self.zero_output else carry[-1])
        return ([*new, y] if self.carries else list(new)), y if self.sequences else None, factors

    def _scan(self, parts, keep, carry, kernels, used, mask, notes):
        kernels = {n: k.astype(self.dtype) for n, k in kernels.items()}
        def step(carry, parts, notes, kernels, used, mask, keep):
            return self.step(parts, keep, carry, kernels, used, mask, notes)
        if REMAT:
            step = jax.checkpoint(step, prevent_cse=False, policy=lambda prim, *_, **__: prim.name not in CHEAP)
        def body(carry, xs):
            parts, keep, notes = xs
            carry, y, factors = step(carry, parts, notes, kernels, used, mask, keep)
            return carry, (y, factors)
        return jax.lax.scan(body, carry, (parts, keep, notes), unroll=UNROLL)

    def notes(self, size):
        return [jnp.zeros((size, *shape), dtype) for _, shape, dtype in self.sites]

    def _scanned(self, parts, keep, carry, kernels, used, mask):
        carry, (ys, _) = self._scan(parts, keep, carry, kernels, used, mask, self.notes(parts[0].shape[0]))
        return carry, ys

    def _forward(self, parts, keep, carry, kernels, used, mask):
        def run(parts, carry, used, notes):
            carry, (ys, factors) = self._scan(parts, keep, carry, kernels, used, mask, notes)
            return (carry, ys), factors
        out, pull, factors = jax.vjp(run, parts, carry, used, self.notes(parts[0].shape[0]), has_aux=True)
        return out, (pull, factors, kernels)

    def _backward(self, saved, d):
        pull, factors, kernels = saved
        d_parts, d_carry, d_used, deltas = pull(d)
        d_kernels = {n: 0 for n in kernels}
        for (name, *_), a, delta in zip(self.sites, factors, deltas, strict=True):
            a, delta = a.reshape(-1, a.shape[-1]), delta.reshape(-1, delta.shape[-1])
            k = kernels[name]
            if k.ndim == 2:
                d_kernels[name] += jnp.matmul(a.T, delta, preferred_element_type=k.dtype)
            else:
                d_kernels[name] += (a * delta).sum(0).astype(k.dtype)
        return d_parts, None, d_carry, d_kernels, d_used, None
