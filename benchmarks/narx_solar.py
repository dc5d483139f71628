"""The solar and stock tasks of `python -m benchmarks.narx`."""

import numpy as np

from benchmarks.table import Result

FOLDS = 10  # networks a seed, each without another tenth of the year
WEEK = 7 * 24  # half-hours of daylight, about a fortnight


def san_francisco(seeds=5):
    """Irradiance one hour ahead, the last fifth of a year."""
    from zoo.data.series import Split, Test, Train, Valid
    from zoo.data.solar import san_francisco as read
    from zoo.tasks import Forecaster

    series = read()
    test = len(series) - round(0.2 * len(series))
    valid = test - round(0.16 * len(series))
    parts = Split(Train(series.until(valid), 0), Valid(series.until(test), valid + 1), Test(series, test), 1)
    result = Result(
        "San Francisco GHI, 1 hour ahead",
        "The last 20 % of the year; NARX on the clear-sky index with 8 hidden units, taps 1, 2, 3, 24 and 25.",
        "Mean squared error, all hours.",
        goals=[("MSE", "median", "≤", 1800)],
    )
    recipe = {"method": "lm", "epochs": 100, "decay": 10.0, "restarts": 2}
    for seed in range(seeds):
        model = Forecaster(
            units=8, output_taps=[1, 2, 3, 24, 25], horizon=1, transform="clear_sky_index", skip=True, recipe=recipe
        )
        scores = model.fit(parts, seed=seed).backtest(parts.test).scores()["RMSE"] ** 2
        result.seeds[seed] = {"MSE": scores["model"]}
    for name in ("smart_persistence", "persistence", "seasonal_naive"):
        result.beside[name.replace("_", " ")] = {"MSE": scores[name]}
    result.beside["published: AR(24)"] = {"MSE": 2262}
    result.beside["published: MetaMSS"] = {"MSE": 2154}
    gain = 1 - np.median(result.column("MSE")) / scores["smart_persistence"]
    better = "better" if gain > 0 else "WORSE"
    result.note = f"The median of seeds is {better} than zoo's smart persistence by {abs(gain):.1%}."
    return result


def features(series, steps):
    """What a direct network sees of the half-hour `steps` ahead: (inputs, truth, references, whether the sun is up)."""
    from zoo.data.calendar import features as cycles
    from zoo.data.scaling import TRANSFORMS
    from zoo.evaluation.baselines import smart_persistence

    frame, ghi = series.frame, series.values
    clear, index = frame[series.clear_sky].to_numpy(), TRANSFORMS["clear_sky_index"].forward(series)
    origins = np.arange(2 * series.season, len(series) - steps)
    ahead = origins + steps
    same_time = ahead - series.season * -(-steps // series.season)
    sums = {name: np.concatenate([[0.0], np.cumsum(values)]) for name, values in (("ghi", ghi), ("clear", clear))}
    columns = [index[origins - k] for k in (0, 1, 2, 3, 5)]
    for width in (6, 12, 24, 48):
        light, full = (total[origins + 1] - total[origins + 1 - width] for total in sums.values())
        columns.append(np.where(full > 100, light / np.maximum(full, 1.0), index[origins]))
    columns += [np.std([index[origins - k] for k in range(6)], axis=0)]
    smart = smart_persistence(ghi, clear, origins, steps, series.season)[:, -1]
    columns += [index[same_time], index[same_time - series.season], ghi[origins], clear[origins], clear[ahead], smart]
    columns += list(cycles(series.index, ["hour_of_day", "day_of_year"]).to_numpy().T[:, ahead])
    columns += [frame["temp_air"].to_numpy()[origins], frame["wind_speed"].to_numpy()[origins]]
    day = clear[ahead] > 20
    references = {"last clear-sky index": index[origins] * clear[ahead], "smart persistence": smart}
    return (
        np.stack(columns, axis=1)[day],
        ghi[ahead][day],
        {name: r[day] for name, r in references.items()},
        clear[ahead][day],
    )


def nsrdb(seeds=3):
    """Irradiance 1, 6 and 24 hours ahead: a year to train on, another to test on."""
    from zoo.data.solar import nsrdb as read
    from zoo.evaluation.metrics import skill
    from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt

    years = [read(year, clear_sky="nsrdb") for year in (2017, 2023)]
    bounds = {1: 0.05, 6: 0.22, 24: 0.19}
    result = Result(
        "NSRDB, 2017 to train on, 2023 to test on",
        f"For each horizon the mean of {FOLDS} direct networks of 8 hidden units, each stopped on another part of 2017; "
        "half-hours with clear-sky GHI above 20 W/m².",
        "RMSE skill over the last clear-sky index held, the usual smart persistence, and over zoo's, the mean index of as many "
        "steps as it looks ahead. The clear sky is NSRDB's own, which knows the moment's atmosphere.",
        goals=[(f"{hours} h", "worst", "≥", bound) for hours, bound in bounds.items()],
    )
    for seed in range(seeds):
        result.seeds[seed] = {}
        for hours in bounds:
            (x, y, known, _), (inputs, truth, references, clear) = (features(year, 2 * hours) for year in years)
            mean, std = x.mean(axis=0), x.std(axis=0)
            x, inputs = (x - mean) / std, (inputs - mean) / std
            targets = ((y - known["smart persistence"]) / 100)[:, None]  # in 100 W/m²
            network, fold = OneHiddenLayer(x.shape[1], 8, skip=True), np.arange(len(x)) // WEEK % FOLDS
            predicted = 0.0
            for k in range(FOLDS):
                train, valid = (network.on(x[part], targets[part]) for part in (fold != k, fold == k))
                theta = network.initial(np.random.default_rng([seed, k]))
                fit = levenberg_marquardt(train, theta, valid, epochs=60, patience=8, decay=30.0, tolerance=1e-5)
                predicted = predicted + network.predict(fit.theta, inputs)[:, 0] / FOLDS
            forecast = np.clip(references["smart persistence"] + 100 * predicted, 0, 1.5 * clear + 50)
            result.seeds[seed][f"{hours} h"] = skill(truth, forecast, references["last clear-sky index"])
            result.seeds[seed][f"{hours} h, over zoo's"] = skill(truth, forecast, references["smart persistence"])
    return result


def sp500(seeds=3):
    """The S&P 500, one session ahead: as log returns, and as levels, which a network learns to copy."""
    from zoo.data.stocks import sp500 as read
    from zoo.tasks import Forecaster

    series = read()
    result = Result(
        "S&P 500, next session",
        "1999 to 2018, the last 15 % to test on; NARX with 4 hidden units, 5 taps.",
        "RMSE in index points; the lag-copy measure is 0 for a copy of the last value, warned of below 0.5.",
    )
    verdicts = {}
    for seed in range(seeds):
        row = result.seeds[seed] = {}
        for transform in ("log_return", "level"):
            recipe = {"method": "lm", "epochs": 100, "decay": 100.0 if transform == "log_return" else 1e-2}
            model = Forecaster(units=4, output_taps=5, horizon=1, transform=transform, skip=True, recipe=recipe)
            parts = model.split(series)
            backtest = model.fit(parts, seed=seed).backtest(parts.test)
            row[f"{transform}, RMSE"] = backtest.scores().loc["model", "RMSE"]
            row[f"{transform}, lag copy"] = backtest.lag_copy()
            verdicts[transform] = backtest.verdict()
        result.beside["persistence"] = {f"{t}, RMSE": backtest.scores().loc["persistence", "RMSE"] for t in verdicts}
    result.note = "\n".join(f"- {transform}: {verdict}" for transform, verdict in verdicts.items())
    return result
