"""Where a training step of a zoo layer spends its time: each kernel of the compiled loop, with its share.

    python benchmarks/kernels_tensorflow.py LSTM M
    python benchmarks/kernels_tensorflow.py PeepholeLSTM 32,50,16,48 --top 40

Of a layer that speed.py times, on one of its sizes or on batch, steps, inputs, units. XLA is asked to write down each kernel
that it runs, which makes every one of them about half a microsecond longer: compare shares, and take times from speed.py.
Times are of all cores together, but of a product that XLA cuts up for several cores only that of the longest piece. A product
is what XLA calls dot or MatMul; "fusion" is element-wise work or a copy. Work is handed to another thread where XLA or
TensorFlow put a task into a queue of their threads: the one that takes it may first have to be woken.
"""

import argparse
import collections
import os
import tempfile
from pathlib import Path

import peers
from peers import GATES, Peer
from speed import SIZES, parse_sizes

STEPS = 10
END, LOOPS = "end: ", ("while", "call", "conditional")  # a loop lasts as long as the kernels in it
HANDED = "ThreadpoolListener::Record"


def events(step):
    """`name, seconds` of all that the profiler saw on the host during STEPS steps."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3, python_tracer_level=0)
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder, options):
            for _ in range(STEPS):
                step()
        for path in Path(folder).rglob("*.xplane.pb"):
            space = xplane_pb2.XSpace.FromString(path.read_bytes())
            for plane in space.planes:
                for line in plane.lines:
                    for event in line.events:
                        yield plane.event_metadata[event.metadata_id].name, event.duration_ps / 1e12


def kernels(step):
    """Kernel -> `seconds, calls` of one step, the longest first; and how often a step handed work to another thread.

    XLA marks its own events by a second one at their end.
    """
    seconds, calls = collections.Counter(), collections.Counter()
    for name, duration in events(step):
        seconds[name] += duration / STEPS
        calls[name] += 1 / STEPS
    found = {name: total for name, total in seconds.most_common() if END + name in seconds}
    return {name: (total, calls[name]) for name, total in found.items() if not name.startswith(LOOPS)}, calls[HANDED]


def report(found, handed, top):
    """The table, as text."""
    total = sum(seconds for seconds, _ in found.values())
    products = sum(seconds for name, (seconds, _) in found.items() if name.startswith(("MatMul", "dot")))
    lines = [f"{1e3 * total:.2f} ms in kernels, all cores together; {products / total:.0%} of it in products"]
    lines += [f"work handed to another thread: {handed:.0f} times", ""]
    lines += [f"{'kernel':<48} {'share':>6} {'ms':>8} {'calls':>7} {'us each':>8}"]
    for name, (seconds, calls) in list(found.items())[:top]:
        row = f"{seconds / total:>6.1%} {1e3 * seconds:>8.3f} {calls:>7.0f} {1e6 * seconds / calls:>8.2f}"
        lines.append(f"{name[:48]:<48} {row}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description="Which kernels a training step of a layer of the zoo spends its time in."
    )
    parser.add_argument("layer", choices=sorted(GATES), help="one of the layers of speed.py")
    parser.add_argument("size", type=parse_sizes, help=f"one of {', '.join(SIZES)}, or B,T,I,H")
    parser.add_argument("--top", type=int, default=30, help="so many kernels; default: 30")
    options = parser.parse_args()
    (size,) = options.size.values()
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")}
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_enable_xprof_traceme=true"
    calls, _ = peers.Keras().model(Peer("zoo.layers", options.layer), size)
    for _ in range(3):
        calls["train"]()
    print(f"zoo.layers.{options.layer}, batch {size[0]}, {size[1]} steps, {size[2]} inputs, {size[3]} units")
    print(report(*kernels(calls["train"]), options.top))


if __name__ == "__main__":
    main()
