"""The layers that speed.py compares, and the process in which those of one library run.

    python benchmarks/peers.py keras            (or torch)

It imports the library, trains a small dense network so that the library's own start is over, and says what it runs on. Then
it reads requests and writes answers, one JSON object a line, until its input ends.
"""

import dataclasses
import json
import os
import resource
import signal
import statistics
import sys
import time
import traceback

import numpy as np

# Columns of the products with the input and with the state, as multiples of the units.
GATES = {"LSTM": (4, 4), "PeepholeLSTM": (4, 4), "GRU": (3, 3), "MUT1": (3, 2), "MUT3": (3, 3)}
CELLS = {"PeepholeLSTM": "peephole-lstm", "MUT1": "mut1"}
KEEP = "KEEP_COMPILED"  # the environment variable for a folder of compiled programs; without it they are made anew
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@dataclasses.dataclass(frozen=True)
class Peer:
    """A layer of a library: `kind` says which network it is, `variant` how it is run where there are two ways."""

    library: str
    kind: str
    variant: str = ""

    @property
    def name(self):
        return f"{self.library}(zoo {self.kind})" if self.library.endswith("RNN") else f"{self.library}.{self.kind}"

    @property
    def label(self):
        return f"{self.name}, {self.variant}" if self.variant else self.name

    @property
    def worker(self):
        return "torch" if self.library.startswith("torch") else "keras"

    @property
    def needs(self):
        """The packages that it cannot do without."""
        return {"torch", self.library.partition(".")[0]} if self.worker == "torch" else {"keras"}


EAGER, COMPILED = "eager", "compiled cell"
PEERS = [
    *(Peer("zoo.layers", kind) for kind in GATES),
    *(Peer("keras.layers", kind) for kind in ("LSTM", "GRU")),
    *(Peer("keras.layers.RNN", kind) for kind in CELLS),
    *(Peer("torch.nn", kind) for kind in ("LSTM", "GRU")),
    *(Peer("torchrecurrent", kind, variant) for kind in CELLS for variant in (EAGER, COMPILED)),
]


def flops(kind, size):
    """Of a training step's products: those of the forward pass, times three for the gradients of both their factors."""
    batch, steps, inputs, units = size
    of_input, of_state = GATES[kind]
    return 3 * 2 * batch * steps * (inputs * of_input + units * of_state) * units


def data(size):
    batch, steps, inputs, _ = size
    x = np.random.default_rng(0).normal(size=(batch, steps, inputs)).astype("float32")
    return x, x[:, :, :1].mean(axis=1)


def device_of(backend):
    """The accelerator's name and a function for the peak of its memory in bytes; "cpu" and None where there is none."""
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform != "cpu":
            return device.device_kind, lambda: device.memory_stats()["peak_bytes_in_use"]
    elif backend == "tensorflow":
        import tensorflow as tf

        if gpus := tf.config.list_physical_devices("GPU"):
            name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
            return name, lambda: tf.config.experimental.get_memory_info("GPU:0")["peak"]
    elif backend == "torch":
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name(), torch.cuda.max_memory_allocated
    return "cpu", None


class Keras:
    """keras.layers and zoo.layers, on Keras' backend. Every call ends with a number on the host, so it has really ended."""

    def __init__(self):
        import keras

        import zoo.layers  # the fresh worker's first call should not pay for it

        if folder := os.environ.get(KEEP):
            zoo.layers.keep_compiled(folder)

        self.backend = keras.backend.backend()
        self.device, self.peak = device_of(self.backend)

    def layer(self, peer, units, **settings):
        import keras

        import zoo

        settings |= {"input_projection": "trained"} if peer.kind == "MUT1" else {}
        if peer.library == "keras.layers.RNN":
            return keras.layers.RNN(zoo.cells.create(CELLS[peer.kind], units, **settings), return_sequences=True)
        module = zoo.layers if peer.library == "zoo.layers" else keras.layers
        return getattr(module, peer.kind)(units, return_sequences=True, **settings)

    def model(self, peer, size, **settings):
        import keras

        rows, layer = 3 * size[0] // 4 or 1, self.layer(peer, size[3], **settings)
        model = keras.Sequential(
            [keras.Input(size[1:3]), layer, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
        )
        model.compile(keras.optimizers.SGD(0.01), "mse")
        x, y = (keras.ops.convert_to_tensor(array) for array in data(size))
        part = x[:rows], y[:rows]
        return {
            "train": lambda: float(model.train_on_batch(x, y)),
            "partial": lambda: float(model.train_on_batch(*part)),
            "predict": lambda: np.asarray(model.predict_on_batch(x)),
        }, model

    def loop(self, model, size):
        """Which loop runs a layer of the zoo, and why; None for other layers."""
        import zoo

        layer = model.layers[0]
        return str(zoo.layers.explain(layer, size[:3])) if isinstance(layer, zoo.layers.Recurrent) else None

    def changes(self, model, calls):
        """What a training step changes in each weight; at a high rate, so that it is far above rounding."""
        from keras.ops import convert_to_numpy as numpy

        model.optimizer.learning_rate = 10.0
        before = [numpy(weight) + 0 for weight in model.trainable_weights]  # + 0: a copy
        calls["train"]()
        return [numpy(weight) - old for weight, old in zip(model.trainable_weights, before, strict=True)]

    def check(self, peer, model, calls, size):
        """A layer of the zoo must learn what it learns in Keras' own loop."""
        names, weights = [weight.path for weight in model.trainable_weights], model.get_weights()
        got = right = self.changes(model, calls)
        if peer.library == "zoo.layers":
            calls, twin = self.model(peer, size, loop="keras")
            twin.set_weights(weights)
            right = self.changes(twin, calls)
        agree(names, got, right)

    def warm(self):
        import keras

        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        x = keras.ops.ones((2, 4))
        model.train_on_batch(x, x[:, :1])
        model.predict_on_batch(x)

    def product(self, n):
        import keras

        a = keras.ops.convert_to_tensor(np.ones((n, n), "float32"))
        return lambda: float(keras.ops.matmul(a, a)[0, 0])


class Torch:
    """torch.nn and torchrecurrent, run as their users run them, with as many threads as there are cores."""

    def __init__(self):
        import torch

        torch.set_num_threads(CORES)
        torch.manual_seed(0)
        self.backend = "torch"
        self.device, self.peak = device_of("torch")
        self.place = "cpu" if self.device == "cpu" else "cuda"

    def model(self, peer, size):
        import importlib

        import torch

        layer = getattr(importlib.import_module(peer.library), peer.kind)(size[2], size[3], batch_first=True)
        if peer.variant == COMPILED:
            layer.cells[0].compile()
        dense = torch.nn.Linear(size[3], 1)
        model = torch.nn.ModuleList([layer, dense]).to(self.place)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        x, y = (torch.tensor(array, device=self.place) for array in data(size))
        rows = 3 * size[0] // 4 or 1

        def train(x=x, y=y):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(dense(layer(x)[0].mean(dim=1)), y)
            loss.backward()
            optimizer.step()
            return loss.item()  # the last in the queue of the device: all that is before it has ended too

        def predict():
            with torch.no_grad():
                return dense(layer(x)[0].mean(dim=1)).cpu().numpy()

        return {"train": train, "partial": lambda: train(x[:rows], y[:rows]), "predict": predict}, model

    def loop(self, model, size):
        return None

    def check(self, peer, model, calls, size):
        before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
        calls["train"]()
        got = [(weight.detach() - before[name]).cpu().numpy() for name, weight in model.named_parameters()]
        agree(before, got, got)

    def warm(self):
        import torch

        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).to(self.place)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        model(torch.ones(2, 4, device=self.place)).mean().backward()
        optimizer.step()

    def product(self, n):
        import torch

        a = torch.ones(n, n, device=self.place)
        return lambda: (a @ a)[0, 0].item()


def agree(names, got, right):
    """What a step changes in each weight is something, and is right."""
    for name, a, b in zip(names, got, right, strict=True):
        off = np.linalg.norm(a - b) / np.linalg.norm(b)
        if not (np.linalg.norm(a) > 0 and off < 0.02):
            raise ValueError(
                f"a training step changes {name} by {np.linalg.norm(a):.3g}, which should be {np.linalg.norm(b):.3g}"
            )


class Desk:
    """What a worker answers: each public method is a request."""

    def __init__(self, library):
        self.library, self.models = library, {}

    def about(self):
        return {"backend": self.library.backend, "device": self.library.device}

    def gemm(self):
        """GFLOP/s of a large product in float32, at its best."""
        sizes = (1024, 2048) if self.library.device == "cpu" else (8192,)
        return max(2e-9 * n**3 / min(timed(self.library.product(n), budget=1.0)) for n in sizes)

    def build(self, peer, size):
        """Seconds for making a model and its first training step, and what can be timed of it."""
        began = time.perf_counter()
        calls, model = self.library.model(Peer(**peer), size)
        calls["train"]()
        seconds = time.perf_counter() - began
        self.models[json.dumps(peer)] = calls, model
        return {"first": seconds, "calls": sorted(calls), "loop": self.library.loop(model, size)}

    def check(self, peer, size):
        """An error unless the layer learns: the time of a wrong result means nothing."""
        calls, model = self.models[json.dumps(peer)]
        self.library.check(Peer(**peer), model, calls, size)

    def once(self, peer, call, times=1):
        """Seconds for a few calls together."""
        began = time.perf_counter()
        for _ in range(times):
            self.models[json.dumps(peer)][0][call]()
        return time.perf_counter() - began

    def median(self, peer, call, budget):
        """The median call of as many as fit into `budget` seconds, in ms."""
        return 1e3 * statistics.median(timed(self.models[json.dumps(peer)][0][call], budget))

    def memory(self):
        """The peak of the process (on a GPU: of what it took there), in MB."""
        if self.library.peak:
            return self.library.peak() / 2**20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def timed(call, budget):
    """Seconds of each of 1 to 50 calls, after one that is not counted."""
    began = time.perf_counter()
    call()
    seconds = []
    for _ in range(int(min(50, max(1, budget / (time.perf_counter() - began))))):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds


def serve(name):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    desk = Desk({"keras": Keras, "torch": Torch}[name]())
    desk.library.warm()
    print(json.dumps(desk.about()), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(desk, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
