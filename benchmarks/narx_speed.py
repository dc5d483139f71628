"""The timings of `python -m benchmarks.narx`; they need an idle machine."""

import time

from benchmarks.table import Result

RECIPE = {"method": "lm", "restarts": 1, "epochs": 100, "patience": 10, "decay": 1e-3, "closed_loop": ()}


def record(count):
    from zoo.data.synthetic import narma10
    from zoo.data.systems import Record

    return Record(*narma10(count, seed=1))


def fit(seeds=3):
    """How long a fit takes: 20,000 samples, 10 hidden units, 20 taps; and with twice the taps."""
    from zoo.tasks import NARX

    data = record(20_000)
    result = Result(
        "Time of a fit",
        "NARMA10, 20,000 samples (the last quarter to stop by); 10 hidden units and a linear path, taps 1 … n of the input and "
        "1 … n of the output; `NARX.fit` in open loop, Levenberg-Marquardt from one start, decay 1e-3, at most 100 epochs, "
        "patience 10. The first fit of all also starts Keras.",
        "In seconds.",
        goals=[("20 taps (n = 10)", "median", "≤", 10)],
    )
    for seed in range(seeds):
        row = result.seeds[seed] = {}
        for taps in (10, 20):
            model = NARX(units=10, output_taps=taps, input_taps=range(1, taps + 1), recipe=RECIPE)
            began = time.perf_counter()
            model.fit(data, seed=seed)
            row[f"{2 * taps} taps (n = {taps})"] = time.perf_counter() - began
            row[f"epochs, n = {taps}"] = len(model.report.train)
    return result


def free_run(seeds=5):
    """How long a free run of 100,000 steps takes after the first call, which compiles."""
    from zoo.tasks import NARX

    data = record(100_010)
    model = NARX(units=10, output_taps=10, input_taps=range(1, 11), recipe={**RECIPE, "epochs": 20}).fit(data[:2000])
    result = Result(
        "Time of a free run",
        "100,000 steps of `NARX.simulate`: 10 hidden units, 10 taps of the input and 10 of the output.",
        "In seconds.",
        goals=[("later calls", "median", "≤", 2)],
        each="run",
    )

    def seconds():
        began = time.perf_counter()
        model.simulate(data.u, data.y[:10])
        return time.perf_counter() - began

    result.beside["the first call, which compiles"] = {"later calls": seconds()}
    for repeat in range(seeds):
        result.seeds[repeat] = {"later calls": seconds()}
    return result
