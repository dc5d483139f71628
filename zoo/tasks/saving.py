"""A forecaster in a bundle, and out of it."""

import json
from dataclasses import asdict

from zoo import bundle
from zoo.tasks.layout import Layout
from zoo.tasks.preparation import Preparation


class Saved:
    """What of `zoo.tasks.Forecaster` writes and reads its bundle."""

    def arguments(self):
        """The arguments of the constructor, as JSON can hold them."""
        own = {"strategy": self.core.strategy, "calendar_features": list(self.calendar_features)}
        return {**self.get_params(), **self.core.settled(), **own, "recipe": self.recipe.to_config()}

    def config(self):
        """All but the weights, as JSON can hold it."""
        many = {name: each.to_config() for name, each in self.prepared.items()}
        return {
            "task": "zoo.tasks.forecaster:Forecaster",
            "arguments": self.arguments(),
            "layout": asdict(self.layout),
            **many.get(None, {"series": many}),
        }

    def save(self, path, card=None):
        """Write a bundle, a folder with the model, the pre-processing and a card; a bundle that is there stays whole until
        the new one is complete."""
        self._check_fitted()
        bundle.save(path, self.model, self.config(), self.core.probe(), card or self.card())

    def card(self, **fields):
        """The card of this forecaster; the catalog's training adds data, metrics and commands."""
        kept = ("method", "samples", "seed", "best_epoch", "stopped")
        return {
            "name": "forecaster",
            "pattern": self.core.pattern,
            "cell": self.cell,
            "parameters": self.model.count_params(),
            "training": {} if self.report is None else {name: getattr(self.report, name) for name in kept},
            **fields,
        }

    @classmethod
    def load(cls, path):
        """Read a bundle that `save` wrote.

        Raises:
            zoo.bundle.BundleError: a file is missing, or is not the one that the card describes.
        """
        model, config = bundle.load(path)
        return cls.from_parts(model, config)

    @classmethod
    def from_parts(cls, model, config):
        config = json.loads(json.dumps(config))
        forecaster = cls(**config["arguments"])
        tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in config["layout"].items()}
        forecaster.layout = layout = Layout(**tuples)
        forecaster.prepared = {
            name: Preparation.from_config(each, forecaster.columns, (layout.lower, layout.upper))
            for name, each in config.get("series", {None: config}).items()
        }
        inputs = len(next(iter(forecaster.prepared.values())).x_scaler.mean)
        forecaster.core.resolve(layout.season)
        forecaster.core.adopt(model, inputs, forecaster.columns.known(layout))
        return forecaster
