"""The likeliest sequence that an encoder and its decoder find: greedy or by beams, many sources at once, compiled."""

import keras
import numpy as np
from keras import ops

from zoo.models.encoder_decoder import PADDING, Writing, looking, named, reading
from zoo.models.stepping import Built, compiled, ran

ROWS, STEP = 32, 16  # sources at a time; lengths are rounded up to multiples, so that few shapes are compiled for
NEVER = -1e30  # a logarithm of a probability that is none; finite, for 0 times it occurs


class Searcher:
    """Write the likeliest sequence for each source.

    Of all continuations of `width` beginnings by a symbol those `width` go on that have the largest

        log P(y_1 … y_t | source) / ((5 + t) / 6)^penalty

    where a beginning that has its end does not go on. With a width of 1 this takes the likeliest symbol each time (greedy).

    Arguments:
        model: a network of `zoo.models.encoder_decoder.encoder_decoder`.
        mark: the number of the symbol that begins and ends what is written.
        never: numbers of symbols that are never written.
        unknown: the number, on both sides, of the symbol that stands for those the model does not know; it is written only
            where the source has it. None where there is no such symbol.

    Source: the length penalty: Wu et al., "Google's neural machine translation system", 2016.
    """

    def __init__(self, model, mark, never=(), unknown=None):
        self.model, self.mark, self.never, self.unknown = model, mark, (PADDING, *never), unknown
        self.read, self.loops = reading(model), {}
        self.look = looking(model) if named(model, "attention") else None

    def __call__(self, sources, *, width=1, penalty=0.6, longest=100):
        """The best sequence for each source.

        Arguments:
            sources: lists or arrays of numbers.
            width: how many beginnings are followed.
            penalty: of the length: 0 for none, which prefers short ones; 1 for the mean logarithm, nearly.
            longest: symbols after which a sequence is cut off that has no end by then.

        Returns:
            A list of int32 arrays without marks; the natural logarithms of their probabilities, (sources,); and whether each
            has its end, (sources,).

        Raises:
            ValueError: a number is outside its range.
        """
        for name, value in (("width", width), ("longest", longest)):
            if not hasattr(value, "__index__") or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a positive integer. Received: {value!r}")
        if width > self.model.outputs[0].shape[-1]:
            raise ValueError(f"width must be at most the number of symbols. Received: {width}")
        if not isinstance(penalty, (int, float)) or not 0 <= penalty < np.inf:
            raise ValueError(f"penalty must be a number of at least 0. Received: {penalty!r}")
        found, logs, ended = [None] * len(sources), np.empty(len(sources)), np.empty(len(sources), bool)
        order = np.argsort([len(each) for each in sources], kind="stable")
        rows_at_once = ROWS if len(sources) > 1 else 1
        for at in range(0, len(order), rows_at_once):
            rows = order[at : at + rows_at_once]
            best, each_log = self._batch(
                [sources[row] for row in rows], rows_at_once, int(width), penalty, int(longest)
            )
            for row, line, log in zip(rows, best, each_log, strict=False):
                ends = np.flatnonzero(line[:longest] == self.mark)
                found[row], logs[row], ended[row] = line[: ends[0] if len(ends) else longest], log, len(ends) > 0
        return found, logs, ended

    def _batch(self, sources, rows, width, penalty, longest):
        whole = filled([*sources, *sources[:1] * (rows - len(sources))], rounded)
        room = rounded(longest)
        loop = self._loop(rows, whole.shape[1], width, room)
        read = [keras.ops.convert_to_numpy(each) for each in self.read(whole)]
        best, logs = ran(loop, [whole, *read, np.float32([penalty]), np.int32([longest])])
        return best[: len(sources)], logs[: len(sources)]

    def _loop(self, rows, length, width, room):
        key = rows, length, width, room
        if key not in self.loops:
            shapes = [(tuple(t.shape[1:]), t.dtype) for t in self.read.outputs]
            given = [keras.Input(batch_shape=(rows, length), dtype="int32")]
            for shape, dtype in shapes:
                shape = (length, *shape[1:]) if len(shape) > 1 else shape
                given.append(keras.Input(batch_shape=(rows, *shape), dtype=dtype))
            given += [keras.Input(batch_shape=(1,)), keras.Input(batch_shape=(1,), dtype="int32")]
            search = Search(self.model, self.mark, self.never, self.unknown, width, room)
            self.loops[key] = compiled(keras.Model(given, search(given)))
        return self.loops[key]

    def weights(self, sources, written):
        """Where the decoder looked as it wrote each symbol and the end of each sequence.

        Returns:
            A list of (symbols + 1, symbols of the source), each row a distribution.

        Raises:
            ValueError: the network has no attention.
        """
        if self.look is None:
            looking(self.model)
        found, so_far = [None] * len(sources), [np.concatenate([[self.mark], line]) for line in written]
        order = np.argsort([len(each) for each in sources], kind="stable")
        for rows in (order[at : at + ROWS] for at in range(0, len(order), ROWS)):
            looked = self.look([filled([side[row] for row in rows]) for side in (sources, so_far)])
            looked = keras.ops.convert_to_numpy(keras.ops.cast(looked, "float32"))
            for row, each in zip(rows, looked, strict=True):
                found[row] = each[: len(so_far[row]), : len(sources[row])]
        return found


def filled(sequences, upto=int):
    """Sequences of numbers as one array, filled up with 0 to the longest, or to what `upto` makes of its length."""
    found = np.full((len(sequences), upto(max(map(len, sequences)))), PADDING, "int32")
    for line, sequence in zip(found, sequences, strict=True):
        line[: len(sequence)] = sequence
    return found


def rounded(length):
    return -(-max(length, 1) // STEP) * STEP


class Search(Built):
    """The loop. Gives the best sequence of each source (rows, room), with its mark, and the logarithm of its probability."""

    def __init__(self, model, mark, never, unknown, width, room, **kwargs):
        super().__init__(**kwargs)
        self.network = model  # so that its weights are those of this layer
        self.write, self.attends = Writing(model), bool(named(model, "attention"))
        self.mark, self.never, self.unknown, self.width, self.room = mark, list(never), unknown, width, room
        alone = np.full(self.write.targets, NEVER, "float32")
        alone[mark] = 0.0
        self.alone = alone  # after its end a sequence goes on with its mark for nothing

    def _without(self, never):
        """What is added to the logits, so that these symbols are not written."""
        banned = np.zeros(self.write.targets, "float32")
        banned[never] = NEVER
        return ops.convert_to_tensor(banned)

    def call(self, given):
        source, memory, *rest, penalty, longest = given
        keys, states = (rest[0], rest[1:]) if self.attends else (None, rest)
        rows, width, targets = source.shape[0], self.width, self.write.targets
        there = ops.not_equal(source, PADDING)
        states = [ops.repeat(state[:, None], width, axis=1) for state in states]
        banned = self._without(self.never)
        if self.unknown is not None:
            read = ops.any(ops.equal(source, self.unknown), axis=1)[:, None, None]
            banned = ops.where(read, banned, self._without([*self.never, self.unknown]))

        def one(t, written, symbol, logs, over, lengths, *states):
            logits, states = self.write(symbol, states, memory, keys, there)
            steps = ops.log_softmax(ops.cast(logits, "float32") + banned, axis=-1)
            steps = ops.where(over[..., None], ops.convert_to_tensor(self.alone), steps)
            total = logs[..., None] + steps
            ahead = lengths + ops.cast(ops.logical_not(over), "float32")
            scale = ops.power((5.0 + ahead) / 6.0, penalty[0])
            _, at = ops.top_k(ops.reshape(total / scale[..., None], (rows, -1)), width)
            at = ops.cast(at, "int32")
            parent, symbol = at // targets, at % targets
            logs = ops.take_along_axis(ops.reshape(total, (rows, -1)), at, axis=1)
            over, lengths = (ops.take_along_axis(each, parent, axis=1) for each in (ops.cast(over, "int32"), ahead))
            over = ops.logical_or(over > 0, ops.equal(symbol, self.mark))
            written = ops.take_along_axis(written, parent[..., None], axis=1)
            written = ops.slice_update(written, (0, 0, t), symbol[..., None])
            states = [ops.take_along_axis(state, parent[..., None], axis=1) for state in states]
            return t + 1, written, symbol, logs, over, lengths, *states

        first = np.where(np.arange(width) == 0, 0.0, NEVER).astype("float32")
        carry = [
            ops.convert_to_tensor(0),
            ops.full((rows, width, self.room), self.mark, dtype="int32"),
            ops.full((rows, width), self.mark, dtype="int32"),
            ops.tile(ops.convert_to_tensor(first)[None], (rows, 1)),
            ops.zeros((rows, width), dtype="bool"),
            ops.zeros((rows, width), dtype="float32"),
            *states,
        ]
        carry = ops.while_loop(
            lambda t, written, symbol, logs, over, *_: ops.logical_and(t < longest[0], ops.logical_not(ops.all(over))),
            one,
            carry,
        )
        written, logs = carry[1], carry[3]
        return [written[:, 0], logs[:, 0]]  # the beams are in order, the best first

    def compute_output_spec(self, given):
        rows = given[0].shape[0]
        return [keras.KerasTensor((rows, self.room), "int32"), keras.KerasTensor((rows,), "float32")]
