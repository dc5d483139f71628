"""The scores of an identified system for its card: one step ahead and in free run, beside the linear model's."""

import numpy as np

from zoo.data.experiments import FREE_RUN, ONE_STEP
from zoo.wording import steps_ahead

MODEL = "model"
SKILL = "skill of the model over it"
CLOSE = 0.005  # RMSEs within this share of each other are alike
FAR = 10  # so much worse, and it is said how many times


def evaluate(model, parts, lead=1):
    """The scores of every test, those that the model is judged by first, with a verdict in words.

    Arguments:
        model: a fitted `zoo.tasks.NARX`.
        parts: an Experiment with a validation part.
        lead: how many samples ahead its one step looks, its shortest output tap.

    Returns:
        A dict for the card: `scores` holds a table for each output, test and way of running; where a run diverges it has no
        numbers.
    """
    ahead = "one step ahead" if lead == 1 else steps_ahead(lead)
    said = {FREE_RUN: FREE_RUN, ONE_STEP: ahead}
    modes = sorted(said, key=lambda mode: mode != parts.judged_by)
    frames = {name: model.score(record, parts.initial) for name, record in parts.tests.items()}
    scores = {}
    for mode in modes:
        for test, frame in frames.items():
            for output, rows in frame.groupby(level="output", sort=False):
                of_output = f"{output}, " if frame.index.get_level_values("output").nunique() > 1 else ""
                of_test = f"{test}, " if len(frames) > 1 else ""
                scores[of_output + of_test + said[mode]] = table(rows.droplevel("output"), mode)
    first = next(iter(parts.tests.values()))
    return {
        "part": "test",
        "horizon": FREE_RUN if parts.judged_by == FREE_RUN else lead,
        "title": f"Test of {parts.name}, {', '.join(first.outputs)}",
        "target": ", ".join(first.outputs),
        "initial": model.memory if parts.initial is None else parts.initial,
        "valid_RMSE": chosen_by(model, parts),
        "scores": scores,
        "verdict": " ".join(verdict(name, rows) for name, rows in scores.items()),
    }


def table(frame, mode):
    """Of a frame of `NARX.score` for one output: forecast -> its errors, and the skill of the model over it."""
    rows = {}
    for forecast, row in frame.iterrows():
        errors = {measure: float(row[f"{measure}, {mode}"]) for measure in ("RMSE", "NRMSE")}
        rows[forecast] = {measure: value for measure, value in errors.items() if np.isfinite(value)}
    for forecast, row in rows.items():
        if forecast != MODEL and "RMSE" in row and "RMSE" in rows[MODEL] and row["RMSE"] > 0:
            row[SKILL] = 1 - rows[MODEL]["RMSE"] / row["RMSE"]
    return rows


def chosen_by(model, parts):
    """The RMSE over the validation part that seeds are chosen by, in the way of running that the model is judged by; None if
    it diverges.

    A model that was trained on the validation part as well, at the end (`refit`), has seen it: there it is the error of the
    free run before that, which the model has kept.
    """
    if model.recipe.refit:
        found = [model.valid_error * float(np.sqrt(np.mean(np.square(model.y_scaler.std))))]
    else:
        found = [model.score(record)[f"RMSE, {parts.judged_by}"].xs(MODEL, level="forecast") for record in parts.valid]
    value = float(np.sqrt(np.mean(np.square(found))))
    return value if np.isfinite(value) else None


def verdict(name, rows, measure="RMSE"):
    """In one sentence: does the model beat the best of the others, by a measure of which less is better?"""
    name = (name[0].upper() + name[1:]).replace("_", " ")
    others = {other: row[measure] for other, row in rows.items() if other != MODEL and measure in row}
    if measure not in rows[MODEL]:
        return f"{name}: the model DIVERGES."
    if rows[MODEL].get("NRMSE", 0) > 1:  # its digits mean nothing: where a run is chaotic no two machines agree on them
        return f"{name}: the model does NOT beat the best baseline: it is worse than a constant (NRMSE above 1)."
    best = min(others, key=others.get)
    if not others[best]:
        also = "and so does the model" if rows[MODEL][measure] == 0 else "which the model does not"
        return f"{name}: the model does NOT beat the best baseline: {best} makes no error, {also}."
    gain = 1 - rows[MODEL][measure] / others[best]
    if gain > CLOSE:
        return f"{name}: the model beats the best baseline, {best}, by {gain:.1%} in {measure}."
    if gain >= -CLOSE:
        return f"{name}: the model is no better than the best baseline, {best} ({measure} within 0.5 %: {gain:+.2%})."
    if gain < -FAR:
        return (
            f"{name}: the model does NOT beat the best baseline: its {measure} is {1 - gain:.2g} times that of {best}."
        )
    return f"{name}: the model does NOT beat the best baseline: {best} is better by {-gain:.1%} in {measure}."
