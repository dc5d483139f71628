"""What a task of a benchmark found, as a table in Markdown."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Result:
    """What a task found: a row of numbers for each seed, rows to compare with, and the goals for single numbers."""

    task: str
    about: str
    unit: str
    seeds: dict = field(default_factory=dict)  # seed, or another repetition -> {column: number}
    beside: dict = field(default_factory=dict)  # name -> {column: number}
    goals: list = field(default_factory=list)  # (column, "median" | "best" | "worst", at most or at least, number)
    note: str = ""
    each: str = "seed"  # what a row of `seeds` is
    seconds: float = 0.0

    def column(self, name):
        return np.array([row[name] for row in self.seeds.values() if name in row])

    def reached(self):
        """(text, whether) for each goal."""
        found = []
        for name, which, sense, bound in self.goals:
            values = self.column(name)
            worst, best = (values.max(), values.min()) if sense == "≤" else (values.min(), values.max())
            value = {"median": np.median(values), "best": best, "worst": worst}[which]
            met = bool(value <= bound if sense == "≤" else value >= bound)
            found.append((f"{name}, {which} {value:.4g} (goal {sense} {bound:g})", met))
        return found

    def markdown(self):
        columns = list(dict.fromkeys(name for row in (*self.seeds.values(), *self.beside.values()) for name in row))
        rows = {f"{self.each} {seed}": row for seed, row in self.seeds.items()}
        if len(self.seeds) > 1:
            rows[f"median of {self.each}s"] = {
                name: float(np.median(self.column(name))) for name in next(iter(self.seeds.values()))
            }
        lines = [f"## {self.task}", "", f"{self.about} {self.unit}", "", f"| | {' | '.join(columns)} |"]
        lines.append("|---" * (len(columns) + 1) + "|")
        for name, row in (rows | self.beside).items():
            cells = [f"{row[c]:.4g}" if np.isfinite(row.get(c, np.nan)) else "–" for c in columns]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
        lines += [f"- {'reached' if met else 'MISSED'}: {text}" for text, met in self.reached()]
        lines += [self.note] if self.note else []
        return "\n".join([*lines, "", f"{self.seconds:.0f} s"])
