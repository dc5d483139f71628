"""The gallery table of the README, made from the cards of the bundles."""

from zoo import bundle
from zoo.cards import headline, measure
from zoo.registry import bundle_path, catalog

BEGIN, END = "<!-- gallery: made by `zoo gallery --write README.md` -->", "<!-- end of gallery -->"


def row(name):
    card = bundle.read_card(bundle_path(name)[0])
    entry, _ = catalog().split(name)
    metrics = card["metrics"]
    scores = headline(metrics)
    judge = measure(metrics)
    model = scores["model"][judge]
    others = {name: s[judge] for name, s in scores.items() if name != "model" and judge in s}
    best = min(others, key=others.get)
    tests = [m[f"test_{judge}"] for m in card["seeds"].values()]
    seeds = ", ".join("diverges" if each is None else f"{each:.4g}" for each in tests)
    cells = [
        f"`{name}`",
        f"[{entry.title}](notebooks/{entry.notebook})",
        card["parameters"],
        f"{metrics.get('horizon', '')}",
        judge,
        f"{model:.4g}",
        seeds,
        f"{others[best]:.4g} ({best.replace('_', ' ')})",
        f"{1 - model / others[best]:+.1%}" if others[best] else "–",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def table():
    """A Markdown table: a row for each set of pretrained weights."""
    head = [
        "model",
        "what it does",
        "weights",
        "steps ahead",
        "judged by",
        "on the test part",
        "every seed",
        "best baseline",
        "skill over it",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + [row(name) for name in catalog().names(pretrained=True)])


def put(path):
    """Replace what stands between the marks of the file."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} has no marks for the gallery: {BEGIN} and {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")
