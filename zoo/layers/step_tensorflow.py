"""One step of a cell and its gradient, as TensorFlow functions, with no derivative written by hand."""

import typing

import keras
import numpy as np
import tensorflow as tf

from zoo.cells.base import RecurrentCell, parted, stepped
from zoo.layers.engine import Unsupported
from zoo.layers.functional import project, substituted


def tensor(value):
    """Keras' own conversion leaves a variable a variable, which is read later, where nothing is substituted."""
    return tf.convert_to_tensor(value.value if isinstance(value, keras.Variable) else value)


def index_of(tensor, tensors):
    return next((i for i, t in enumerate(tensors) if t is tensor), None)


def spec(tensor, batch=True):
    """Like a tensor, for any batch."""
    return tf.TensorSpec([None, *tensor.shape[1:]] if batch else tensor.shape, tensor.dtype)


CHEAP = ("Add", "AddV2", "Identity", "Mul", "Neg", "Sub")  # made anew where the gradient needs it, rather than recorded


class Record(typing.NamedTuple):
    """What is written down of each step: the tensor of this name, in the graph of `run`.

    The new value of a state is written one row further on, under the first one, so that a row holds what the step saw.
    """

    name: str
    width: int
    dtype: tf.DType
    state: int | None = None  # its number
    before: str | None = None  # the name of what the step saw of it

    @property
    def shift(self):
        return 0 if self.state is None else 1


ONLY_SHAPE = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")


class Step:
    """One step of a cell as `run`, and its gradient as `pull`.

    The gradient of the step alone is taken by a tape inside a nested function. What that function captures from outside is
    just what must be saved: `records`. Of that, what depends on no state and no input is made anew: `invariants`. A product
    with a weight is a site: the gradient of its result is written down, and its product with what was multiplied, which is
    the weight's gradient, is left to the caller, for many steps at once.

    Arguments:
        cell: the cell, built.
        features: width of its input, with `masks` columns of masks that are drawn for each step.
        kept: whether there is a mask: then the last output is one more state, which a masked step repeats.
        dropped: whether there is a recurrent dropout mask.
        zero_output: whether a masked step gives 0.
    """

    def __init__(self, cell, features, *, masks=0, kept=False, dropped=False, zero_output=False):
        self.cell, self.core, self.dtype = cell, cell.innermost(), tf.as_dtype(cell.compute_dtype)
        self.masks, self.kept, self.dropped, self.zero_output = masks, kept, dropped, zero_output
        self.plain = getattr(self.core.normalise, "__func__", None) is RecurrentCell.normalise
        bias = getattr(self.core, "bias", None)
        plainly = cell.of_the_zoo() and self.core.of_the_zoo() and bias is not None and len(bias.shape) == 1
        self.spread = [i for i, v in enumerate(cell.weights) if plainly and v is bias]
        sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
        self.states = [tf.TensorSpec((None, width), self.dtype) for width in sizes]
        self.weights = [tf.TensorSpec(v.shape, cell.variable_dtype) for v in cell.weights]
        x = tf.TensorSpec((None, features), self.dtype)
        looked = tf.function(self._look, autograph=False).get_concrete_function(x, self.states, self.weights)
        check_operations(looked.graph)
        self.projected = [spec(t) for t in looked.structured_outputs]
        carried = [*self.states, tf.TensorSpec((None, self.width), self.dtype)] if kept else self.states
        constants = [tf.TensorSpec((None, 1), tf.bool)] * kept + [self.states[0]] * dropped
        self.run = tf.function(self._run, autograph=False).get_concrete_function(
            self.projected, carried, self.weights, self.kernels, constants
        )
        check_operations(self.run.graph)
        self.graph_def = without_placeholders(self.run.graph)
        if not cell.of_the_zoo():
            self.check_rows(x, carried, constants)

    def check_rows(self, x, states, constants):
        """Refuse a cell in which the rows of a batch meet, as its batch is cut into shards."""
        random = np.random.default_rng(0)

        def drawn(like):
            shape = [4 if size is None else size for size in like.shape]
            return tf.cast(random.normal(size=shape) / 2 if like.dtype.is_floating else np.ones(shape), like.dtype)

        weights, kernels, rows = tf.nest.map_structure(drawn, (self.weights, self.kernels, [x, states, constants]))

        def run(cut):
            x, states, constants = tf.nest.map_structure(lambda a: a[cut], rows)
            y, new, *_ = self.run(self.project(x, weights), states, weights, kernels, constants)
            return [tf.cast(a, tf.float32).numpy() for a in (y, *new)]

        for whole, *halves in zip(*map(run, (slice(4), slice(2), slice(2, 4))), strict=True):
            if not np.allclose(whole, np.concatenate(halves), rtol=1e-2, atol=1e-2, equal_nan=True):
                raise Unsupported("what it makes of a row of the batch depends on the other rows")

    def with_output(self, states):
        """The states that a step carries: with a mask, also the last output, at first 0."""
        return [*states, tf.zeros([tf.shape(states[0])[0], self.width], self.dtype)] if self.kept else list(states)

    def without_output(self, states):
        return list(states[: len(self.states)])

    def invariants(self, weights, kernels, constant):
        """What the gradient of each step needs, but depends on the weights alone."""
        empty = lambda like: tf.zeros([0, like.shape[-1]], like.dtype)  # noqa: E731
        constants = [tf.zeros([0, 1], tf.bool)] * self.kept + [empty(c) for c in constant]
        parts, states = list(map(empty, self.projected)), self.with_output(list(map(empty, self.states)))
        return self.run(parts, states, weights, kernels, constants)[2]

    def _look(self, x, states, weights):
        """A trial: what `project` gives, which weights are multiplied, how wide the output is."""
        self.kernels = {}

        def recur(name, a, *added):
            matrix = tensor(self.core.matrix(name))
            self.kernels[name] = tf.TensorSpec(matrix.shape, self.dtype)
            return self.core.recur(name, a, *added)

        with substituted(self.cell, weights, self.cell.compute_dtype):
            projected = project(self.cell, x, self.masks)
            output, _ = stepped(self.cell, projected, tuple(states), recur)
        self.width, self.layout = output.shape[-1], tf.nest.map_structure(lambda _: None, projected)
        return tf.nest.flatten(projected)

    def project(self, x, weights, spread=None):
        """The parts of `project`, (rows, width) each, for x (rows, features). spread: of `substituted`."""
        with substituted(self.cell, weights, self.cell.compute_dtype, spread):
            return tf.nest.flatten(project(self.cell, x, self.masks))

    def pull_project(self, x, weights, upstream, with_dx):
        """`dx, d_weights` of `project`, each None where there is none.

        The bias of a cell of the zoo is spread over the rows first: its gradient is then one sum for all gates.
        """
        with tf.GradientTape() as tape:
            tall = lambda i: tf.broadcast_to(weights[i], [tf.shape(x)[0], weights[i].shape[0]])  # noqa: E731
            spread = {i: tall(i) for i in self.spread}
            tape.watch([x, weights, spread])
            projected = self.project(x, weights, spread)
        dx, d_weights, d_spread = tape.gradient(projected, [x if with_dx else [], weights, spread], upstream)
        for i, d in d_spread.items():
            d_weights[i] = None if d is None else summed(d)
        return dx if with_dx else None, d_weights

    def matrices(self, weights):
        """The weights that `recur` multiplies, made from the variables in their own precision."""
        with substituted(self.cell, weights, self.cell.variable_dtype):
            return {name: tensor(self.core.matrix(name)) for name in self.kernels}

    # ---------------------------------------------------------------- the trace
    def _run(self, projected, states, weights, kernels, constants):
        self.sites, self.deltas, self.transposed = [], {}, None

        def recur(name, a, *added):
            site, width = len(self.sites), kernels[name].shape[-1] // max(1, len(added))
            self.sites.append((name, a))
            whole = self.plain and all(tf.is_tensor(b) and b.shape.rank == 2 and b.shape[-1] == width for b in added)
            if whole:
                return self._site(site, name, kernels[name], a, *added)
            product = self.core.normalise(name, self._site(site, name, kernels[name], a))
            return parted(product, added)

        if self.dropped:
            recur = self.cell.masked(recur, constants[-1])
        own = states[:-1] if self.kept else states
        with tf.GradientTape() as tape:
            tape.watch([projected, states, weights])
            with substituted(self.cell, weights, self.cell.compute_dtype):
                y, new = self.cell.step(tf.nest.pack_sequence_as(self.layout, projected), tuple(own), recur)
            new = [tensor(n) for n in new]
            if self.kept:
                y = tf.where(constants[0], y, tf.zeros_like(y) if self.zero_output else states[-1])
                new = [tf.where(constants[0], n, s) for n, s in zip(new, own, strict=True)] + [y]
        self.output_state = index_of(y, new)
        self._trace_pull(tape, projected, states, weights, y, new)
        moving = depending_on([*projected, *states])
        known = [*weights, *constants]
        needed = [
            outer
            for outer, inner in self.captured
            if any(op.type not in ONLY_SHAPE for op in inner.consumers())
            and tf.get_static_value(outer) is None
            and index_of(outer, known) is None
        ]
        residuals = [t for t in needed if t.name in moving]
        invariants = [t for t in needed if t.name not in moving]
        if wrong := [t for t in residuals if t.shape.rank != 2 or t.shape[-1] is None]:
            raise Unsupported(f"step makes an array of shape {wrong[0].shape}, where the loop needs (batch, width)")
        factors = {site: self.sites[site][1] for site in sorted(self.deltas)}  # what each site multiplies
        self.residuals, self.factors = [t.name for t in residuals], {site: t.name for site, t in factors.items()}
        at = self.output_state
        self.output = Record(y.name, self.width, self.dtype, at, None if at is None else states[at].name)
        self.records = recorded([*residuals, *factors.values()], states, new, at)
        self.lookup = [self._where(outer, residuals, invariants, known) for outer, _ in self.captured]
        return y, new, invariants

    def _site(self, site, name, kernel, a, *added):
        """`a · kernel + added`, whose gradient leaves out the kernel's and writes down that of the product."""

        @tf.custom_gradient
        def apply(a, *added):
            def pull(*upstream):
                for d in upstream:
                    d.set_shape([None, kernel.shape[-1] // len(upstream)])
                delta = self.deltas[site] = upstream[0] if len(upstream) == 1 else tf.concat(upstream, -1)
                turned = self.transposed[name]
                da = tf.matmul(delta, turned) if turned.shape.rank == 2 else delta * turned
                return (da, *upstream) if added else da

            return parted(tf.matmul(a, kernel) if kernel.shape.rank == 2 else a * kernel, added), pull

        return apply(a, *added)

    def _trace_pull(self, tape, projected, states, weights, y, new):
        def pull(transposed, d_new, d_y):
            self.transposed = transposed
            targets, upstream = (new, d_new) if self.output_state is not None else ([*new, y], [*d_new, d_y])
            d_projected, d_states, d_weights = tape.gradient(targets, [projected, states, weights], upstream)
            d_projected = [tf.zeros_like(p) if d is None else d for p, d in zip(projected, d_projected, strict=True)]
            d_states = [tf.zeros_like(s) if d is None else d for s, d in zip(states, d_states, strict=True)]
            self.used = [i for i, d in enumerate(d_weights) if d is not None]  # weights that step uses outside recur
            for d, like in zip(d_projected, projected, strict=True):
                d.set_shape(like.shape)
            self.written, places = [], []
            for d in [*(self.deltas[site] for site in sorted(self.deltas)), *d_projected]:
                place = self._locate(d)
                if place is None:
                    self.written.append(d)
                    place = len(self.written) - 1, 0
                places.append((*place, d.shape[-1]))
            # where the gradient of each site and of each projected part lies within what is written
            self.site_places = dict(zip(sorted(self.deltas), places, strict=False))
            self.part_places = places[len(self.deltas) :]
            return d_states, [d_weights[i] for i in self.used], self.written

        turned = {n: tf.TensorSpec(k.shape[::-1], k.dtype) for n, k in self.kernels.items()}
        self.pullback = tf.function(pull, autograph=False).get_concrete_function(turned, list(map(spec, new)), spec(y))
        outer, inner = self.pullback.captured_inputs, self.pullback.inputs
        self.captured = list(zip(outer, inner[len(inner) - len(outer) :], strict=True))
        self.written = [spec(w) for w in self.written]

    def _locate(self, d):
        """Where a gradient already lies within those written: itself, or a part of a concatenation of gates."""
        for n, w in enumerate(self.written):
            if w is d:
                return n, 0
            parts = list(w.op.inputs)[:-1] if w.op.type == "ConcatV2" else []
            if (i := index_of(d, parts)) is not None:
                return n, sum(t.shape[-1] for t in parts[:i])
        return None

    def _where(self, outer, residuals, invariants, known):
        """From what to take a captured tensor when the gradient is replayed."""
        for kind, tensors in (("residual", residuals), ("invariant", invariants), ("known", known)):
            if (i := index_of(outer, tensors)) is not None:
                return kind, i
        value = tf.get_static_value(outer)
        return ("shape", spec(outer)) if value is None else ("value", value)

    # ---------------------------------------------------------------- in the graph that is being built
    def run_recorded(self, projected, states, weights, kernels, constants, records, write):
        """`output, new_states` of one step, with `write(n, value)` called for each record.

        What `write` gives back is used from there on, in place of the value: read from where it was written, it is made
        there by XLA, and not copied.
        """
        given = tf.nest.flatten((projected, states, weights, kernels, constants))
        known = {t.name: v for t, v in zip(self.run.inputs, given, strict=True)}
        made = [op.name for op in self.run.graph.get_operations()]
        order = sorted(range(len(records)), key=lambda n: made.index(records[n].name.partition(":")[0]))
        for n in order:
            name = records[n].name
            (value,) = imported(self.graph_def, known, [name])
            known[name] = write(n, value)
        y, *new = imported(self.graph_def, known, [t.name for t in self.run.outputs[: 1 + len(states)]])
        return y, new

    def pull(self, saved, invariants, known, transposed, d_new, d_y):
        """`d_states, d_weights of those used, written` of one step."""
        values, batch = tf.nest.flatten((transposed, d_new, d_y)), tf.shape(d_new[0])[0]
        sources = {"residual": saved, "invariant": invariants, "known": known}
        for (outer, _), (kind, at) in zip(self.captured, self.lookup, strict=True):
            if kind in sources:
                values.append(sources[kind][at])
            elif kind == "value":
                values.append(tf.constant(at, outer.dtype))
            else:
                values.append(tf.zeros([batch, *at.shape[1:]] if at.shape.rank else [], at.dtype))
        known = {t.name: v for t, v in zip(self.pullback.inputs, values, strict=True)}
        graph_def = without_placeholders(self.pullback.graph)
        results = imported(graph_def, known, [t.name for t in self.pullback.outputs])
        n, m = len(d_new), len(d_new) + len(self.used)
        return results[:n], results[n:m], results[m:]


def recorded(needed, states, new, at):
    """The Records from which all needed tensors can be had; that of state number `at`, the output, in any case."""
    kept, had = {}, set()

    def record(t, state):
        name, before = (t.name, None) if state is None else (new[state].name, states[state].name)
        made = Record(name, t.shape[-1], t.dtype, state, before)
        kept.setdefault(name if state is None else state, made)
        had.update({made.name, made.before})

    if at is not None:
        record(states[at], at)
    for t in needed:
        state = index_of(t, states)
        state = index_of(t, new) if state is None else state
        if state is not None or t.op.type not in CHEAP:
            record(t, state)
    order = {op.name: n for n, op in enumerate(needed[0].graph.get_operations())} if needed else {}
    for t in sorted(needed, key=lambda t: order[t.op.name]):
        if t.name not in had and all(i.name in had or i.op.type == "Const" for i in t.op.inputs):
            had.add(t.name)
        elif t.name not in had:
            record(t, None)
    return list(kept.values())


def without_placeholders(graph):
    graph_def = graph.as_graph_def()
    for node in [node for node in graph_def.node if node.op == "Placeholder"]:
        graph_def.node.remove(node)
    return graph_def


def imported(graph_def, known, names):
    """The tensors of these names, made in the graph that is being built, from those that are known by name."""
    wanted, used, nodes = [n for n in names if n not in known], {}, {node.name: node for node in graph_def.node}
    needed, frontier = set(), list(wanted)
    while frontier:
        node = nodes[frontier.pop().lstrip("^").partition(":")[0]]
        if node.name not in needed:
            needed.add(node.name)
            full = [n if ":" in n or n.startswith("^") else f"{n}:0" for n in node.input]
            used |= dict.fromkeys(n for n in full if n in known)  # no set: each process is to make the same program
            frontier += [n for n in full if n not in known]
    part = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    part.node.extend(node for node in graph_def.node if node.name in needed)
    here = tf.compat.v1.get_default_graph()
    inputs = {name: known[name] if known[name].graph is here else tf.identity(known[name]) for name in used}
    made = iter(tf.graph_util.import_graph_def(part, inputs, wanted, name="") if wanted else [])
    return [known[name] if name in known else next(made) for name in names]


def summed(d):
    """The sum over the rows, as a product, which XLA does several times as fast as a sum."""
    return tf.matmul(tf.ones([1, tf.shape(d)[0]], d.dtype), d)[0]


def check_operations(graph):
    """Refuse a step that is not a function of its inputs and weights alone: traced once, it would be another one."""
    definition = graph.as_graph_def()
    for node in [*definition.node, *(node for function in definition.library.function for node in function.node_def)]:
        if any(word in node.op for word in ("Random", "PyFunc", "Assign", "ReadVariable")):
            raise Unsupported(
                f"it draws random numbers, or uses or changes something other than its weights ({node.op})"
            )


def depending_on(tensors):
    """The names of all tensors in a graph that these have an influence on."""
    names, frontier = {t.name for t in tensors}, list(tensors)
    while frontier:
        for op in frontier.pop().consumers():
            fresh = [t for t in op.outputs if t.name not in names]
            names.update(t.name for t in fresh)
            frontier += fresh
    return names
