"""How fast recurrent layers train and predict: zoo beside Keras, PyTorch and torchrecurrent, in one interleaved run.

    python benchmarks/speed.py                  (KERAS_BACKEND=jax for Keras on JAX)
    python benchmarks/speed.py --quick
    python benchmarks/speed.py --sizes S,32,50,16,48 --layers LSTM,torch --out lstm.md

Input → layer, returning sequences → GlobalAveragePooling1D → Dense(1); SGD, mean squared error, float32. Each library runs in
a process of its own (peers.py), one at a time, and a round times every layer once, in alternating order.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peers
from peers import CORES, GATES, PEERS
from speed_report import KERAS, middle, plot, report

SIZES = {"S": (32, 35, 32, 64), "M": (32, 100, 64, 128), "L": (64, 100, 128, 256), "T1000": (16, 1000, 64, 128)}
RESULTS = Path(__file__).parent / "results"
BUDGET = {"train": 0.25}  # seconds a round; other calls get less


class Worker:
    """A process of peers.py: started at once, ready when `about` returns, killed with all it started when left."""

    def __init__(self, library, cache):
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": cache}
        share = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        self.library, self.errors = library, tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed on exit
        self.process = subprocess.Popen(
            [sys.executable, peers.__file__, library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **quiet, **share},
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.errors.close()

    def about(self):
        return self.answer("starting")

    def ask(self, do, peer=None, **request):
        if peer:
            request["peer"] = dataclasses.asdict(peer)
        with contextlib.suppress(BrokenPipeError):  # then it has died, and `answer` says why
            print(json.dumps({"do": do, **request}), file=self.process.stdin, flush=True)
        return self.answer(f"{do} {peer.label if peer else ''}".strip())

    def answer(self, doing):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"it ended with exit code {self.process.wait()}"}
        if isinstance(answer, dict) and "error" in answer:
            self.errors.seek(0)
            tail = "\n".join(self.errors.read().splitlines()[-20:])
            reason = answer["error"].partition("\n")[0]
            raise RuntimeError(f"The {self.library} worker failed at: {doing}: {reason}\nIts last words:\n{tail}")
        return answer


class Run:
    """One run: what to measure, how to say how far it is, and what was found."""

    def __init__(self, sizes, chosen, rounds, notes):
        self.sizes, self.chosen, self.rounds, self.notes = sizes, chosen, rounds, notes
        self.cache, self.began, self.before = tempfile.TemporaryDirectory(), time.perf_counter(), used_by_others()
        self.about, self.peak, self.found = {}, 0.0, {}

    def say(self, text):
        minutes, seconds = divmod(int(time.perf_counter() - self.began), 60)
        print(f"[{minutes:2d}:{seconds:02d}] {text}", flush=True)

    def others(self):
        """The share of the processor that other programs took so far: above a few percent, times are not to be trusted."""
        seconds = (time.perf_counter() - self.began) * os.cpu_count()
        return max(0.0, used_by_others() - self.before) / seconds

    def workers(self, stack, libraries):
        """Started together, so that they import side by side; from then on one works at a time."""
        workers = [stack.enter_context(Worker(library, self.cache.name)) for library in libraries]
        for worker in workers:
            self.about[worker.library] = worker.about()
        return workers

    def measure(self, name):
        size, found = self.sizes[name], {}
        where = f"{name} (size {list(self.sizes).index(name) + 1} of {len(self.sizes)})"
        self.first_calls(where, size, found)
        self.interleave(where, size, found)
        self.found[name] = self.better(name, found)

    def first_calls(self, where, size, found):
        """A fresh worker for each layer: its first step, its memory after five, its first partial batch, its learning."""
        for start in range(0, len(self.chosen), CORES):
            with contextlib.ExitStack() as stack:
                some = self.chosen[start : start + CORES]
                for peer, worker in zip(some, self.workers(stack, [peer.worker for peer in some]), strict=True):
                    try:
                        row = worker.ask("build", peer, size=size)
                        worker.ask("once", peer, call="train", times=4)
                        row["memory"] = worker.ask("memory")
                        row["partial"] = worker.ask("once", peer, call="partial")
                        worker.ask("check", peer, size=size)
                    except RuntimeError as error:
                        if peer.variant != peers.COMPILED:
                            raise
                        self.notes.append(f"{peer.label} is left out at {where}: {str(error).splitlines()[0]}")
                        continue
                    found[peer] = row
                    count = f"{start + some.index(peer) + 1} of {len(self.chosen)}"
                    self.say(
                        f"{where}, first calls {count}: {peer.label}, {row['first']:.2f} s, {row['memory']:.0f} MB"
                    )

    def interleave(self, where, size, found):
        """Rounds of every layer in turn, forwards and backwards, in one worker a library."""
        with contextlib.ExitStack() as stack:
            libraries = sorted({peer.worker for peer in found})
            workers = dict(zip(libraries, self.workers(stack, libraries), strict=True))
            self.peak = max(self.peak, *(worker.ask("gemm") for worker in workers.values()), 0.0)
            for peer, row in found.items():
                worker = workers[peer.worker]
                row["calls"] = [call for call in worker.ask("build", peer, size=size)["calls"] if call != "partial"]
                for call in row["calls"]:
                    worker.ask("once", peer, call=call)
                    row[call] = []
            for number in range(self.rounds):
                for peer in list(found)[:: -1 if number % 2 else 1]:
                    for call in found[peer]["calls"]:
                        ms = workers[peer.worker].ask("median", peer, call=call, budget=BUDGET.get(call, 0.1))
                        found[peer][call].append(ms)
                self.say(f"{where}, round {number + 1} of {self.rounds}")

    def better(self, name, found):
        """The rows by the layer's name; where it ran in two ways, the way that trains faster."""
        rows = {}
        for peer, row in found.items():
            row |= {"label": peer.label, "kind": peer.kind, "flops": peers.flops(peer.kind, self.sizes[name])}
            rows.setdefault(peer.name, []).append(row)
        for several in (several for several in rows.values() if len(several) > 1):
            both = ", ".join(f"{row['label']} {middle(row['train']):.1f} ms" for row in several)
            self.notes.append(f"{name}: the better of {both} is shown.")
        return {peer: min(several, key=lambda row: middle(row["train"])) for peer, several in rows.items()}


def used_by_others():
    """CPU seconds since the machine started, without those of this process and the workers that it has ended."""
    with contextlib.suppress(OSError):
        user, nice, system, _, _, *other = map(int, Path("/proc/stat").read_text().split()[1:9])
        own = (sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return (user + nice + system + sum(other)) / os.sysconf("SC_CLK_TCK") - sum(own)
    return 0.0


def parse_sizes(text):
    """Names of SIZES, and sizes of one's own as four numbers: "S,32,50,16,48"."""
    sizes = {}
    for name in re.findall(r"\d+,\d+,\d+,\d+|[^,]+", text):
        if name not in SIZES and name.count(",") != 3:
            raise argparse.ArgumentTypeError(f"a size is one of {', '.join(SIZES)} or B,T,I,H. Received: {name!r}")
        sizes[name] = SIZES.get(name) or tuple(map(int, name.split(",")))
    return sizes


def choose(wanted, quick):
    """The layers that were asked for, by kind or by the beginning of their name, and notes on those that cannot run."""
    missing = {need for peer in PEERS for need in peer.needs if importlib.util.find_spec(need) is None}
    asked = [peer for peer in PEERS if peer.name == KERAS or peer.kind in wanted or peer.name.startswith(tuple(wanted))]
    notes = [f"{need} is not installed, so its layers are left out." for need in sorted(missing)]
    if quick and any(peer.variant == peers.COMPILED for peer in asked):
        notes.append("A quick run leaves out torchrecurrent's cells under `torch.compile`.")
        asked = [peer for peer in asked if peer.variant != peers.COMPILED]
    return [peer for peer in asked if not peer.needs & missing], notes


def command(options):
    """What to type for this run again, but for where it writes."""
    backend = os.environ.get("KERAS_BACKEND")
    words = [f"KERAS_BACKEND={backend}"] if backend else []
    words += ["python benchmarks/speed.py", *(["--quick"] if options.quick else [])]
    words += [f"--sizes {','.join(options.sizes)}"] if options.sizes else []
    words += [f"--layers {options.layers}"] if options.layers else []
    return " ".join(words + ([f"--rounds {options.rounds}"] if options.rounds else []))


def default_out(keras):
    """speed.md; elsewhere than with TensorFlow on a CPU, with the backend and the device in its name."""
    usual = keras["backend"] == "tensorflow" and keras["device"] == "cpu"
    device = re.sub(r"[^a-z0-9]+", "-", keras["device"].lower()).strip("-")
    return RESULTS / ("speed.md" if usual else f"speed_{keras['backend']}_{device}.md")


def raw(run):
    """The numbers of every round as JSON: times in ms, `first` and `partial` in seconds, memory in MB."""
    rounded = {
        size: {peer: {k: tidy(v) for k, v in row.items() if k != "calls"} for peer, row in rows.items()}
        for size, rows in run.found.items()
    }
    whole = {
        "about": run.about,
        "gemm_gflops": tidy(run.peak),
        "sizes": run.sizes,
        "found": rounded,
        "notes": run.notes,
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    return re.sub(r"\[[-\d.,\s]+\]", lambda numbers: " ".join(numbers[0].split()), text) + "\n"  # a line for each list


def tidy(value):
    if isinstance(value, list):
        return [tidy(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main():
    parser = argparse.ArgumentParser(
        description="Speed of recurrent layers: zoo beside Keras, PyTorch, torchrecurrent."
    )
    parser.add_argument("--sizes", type=parse_sizes, help=f"of {', '.join(SIZES)}, or B,T,I,H; default: all of them")
    parser.add_argument("--layers", default="", help=f"{', '.join(GATES)}, or how a layer's name begins; default: all")
    parser.add_argument("--rounds", type=int, help="default: 7")
    parser.add_argument("--out", type=Path, help="the report; beside it goes a .json. Default: in benchmarks/results")
    parser.add_argument("--plot", type=Path, help="default: as the report, .png")
    parser.add_argument("--quick", action="store_true", help="size M, 3 rounds; writes only to --out")
    options = parser.parse_args()
    sizes = options.sizes or (parse_sizes("M") if options.quick else SIZES)
    rounds = options.rounds or (3 if options.quick else 7)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that workers are killed then too

    chosen, notes = choose(options.layers.split(","), options.quick)
    run = Run(sizes, chosen, rounds, notes)
    try:
        for name in sizes:
            run.measure(name)
    except RuntimeError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nstopped; nothing is written")
    text = report(run, command(options))
    print(f"\n{text}")
    if out := options.out or (None if options.quick else default_out(run.about["keras"])):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        out.with_suffix(".json").write_text(raw(run), encoding="utf-8")
        plot(run.found).savefig(options.plot or out.with_suffix(".png"))
        run.say(f"wrote {out}")


if __name__ == "__main__":
    main()
