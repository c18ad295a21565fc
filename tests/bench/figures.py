"""What was measured, and the targets that it is held to."""

import dataclasses
import random
import re
import statistics

from kinds import KINDS
from variants import TITLES

RESAMPLES = 400
CALM = 0.95  # of the resamples lie between the bounds that are told


@dataclasses.dataclass(frozen=True)
class Row:
    """A figure, its bounds if it has any, and its target: at most, or at least."""

    title: str
    value: float
    target: float
    bounds: tuple = ()
    at_least: bool = False
    unit: str = ""

    def is_met(self, value=None):
        value = self.value if value is None else value
        return value >= self.target if self.at_least else value <= self.target

    @property
    def mark(self):
        """A target between the bounds is neither met nor missed for sure."""
        unclear = self.bounds and self.is_met(self.bounds[0]) != self.is_met(self.bounds[1])
        return ("✓" if self.is_met() else "✗") + (" ?" if unclear else "")

    def cells(self):
        bounds = f" ({number(self.bounds[0])} to {number(self.bounds[1])})" if self.bounds else ""
        sign = "≥" if self.at_least else "≤"
        return self.title, f"{number(self.value)}{self.unit}{bounds}", f"{sign} {number(self.target)}{self.unit}", self.mark


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Samples:
    """By kind and variant, the microseconds of CPU time and of wall time in each round."""

    def __init__(self):
        self.taken = {}

    def add(self, kind, variant, cpu, wall):
        self.taken.setdefault((kind, variant), []).append((cpu, wall))

    def cpu(self, kind, variant):
        return [cpu for cpu, _ in self.taken[kind, variant]]

    def wall(self, kind, variant):
        return [wall for _, wall in self.taken[kind, variant]]

    def has(self, kind, *variants):
        return all((kind, it) in self.taken for it in variants)

    def variants(self):
        """Those of `TITLES` in its order, then other builds."""
        found = dict.fromkeys(variant for _, variant in self.taken)
        return [*(it for it in TITLES if it in found), *(it for it in found if it not in TITLES)]

    def kinds(self):
        known = {kind for kind, _ in self.taken}
        return [it for it in KINDS if it.name in known]


def median_of(column):
    return lambda picked: statistics.median(column[at] for at in picked)


def added(samples, kind, variant):
    """What a variant costs more than no filter, round by round."""
    pairs = zip(samples.cpu(kind, variant), samples.cpu(kind, "none"))
    return [more - less for more, less in pairs]


def quotient(over, under):
    """Of the medians of two columns of the same rounds, with its bounds: rounds are drawn anew, over and over."""
    value = lambda picked: median_of(over)(picked) / (median_of(under)(picked) or float("nan"))
    rounds, dice = range(len(over)), random.Random(1)
    drawn = sorted(value(dice.choices(rounds, k=len(rounds))) for _ in range(RESAMPLES))
    edge = int(RESAMPLES * (1 - CALM) / 2)
    return value(rounds), (drawn[edge], drawn[-1 - edge])


def compared(samples, gate="gate"):
    """The rows of the targets that the Envoys tell of."""
    ratios = []

    def row(kind, variants, title, target, columns, **more):
        if samples.has(kind, *variants):
            value, bounds = quotient(*columns())
            ratios.append(Row(title, value, target, bounds, **more))

    for kind, title, target in (
        ("plain", "CPU added per GET without Origin, over the empty module's", 1.1),
        ("allowed", "CPU added per GET, allowed Origin, over the empty module's", 1.6),
        ("refused", "CPU added per GET, refused Origin, over the empty module's", 1.5),
    ):
        both = lambda kind=kind: (added(samples, kind, gate), added(samples, kind, "empty"))
        row(kind, (gate, "none", "empty"), title, target, both)
    both = lambda: (added(samples, "allowed", gate), added(samples, "allowed", "lua"))
    row("allowed", (gate, "none", "lua"), "CPU added per GET, allowed Origin, over the Lua script's", 0.7, both)
    both = lambda: (samples.cpu("preflight", gate), samples.cpu("preflight", "native"))
    row("preflight", (gate, "native"), "CPU of a preflight, over Envoy's CORS filter's", 1.2, both)
    for kind, title in (("frames", "frames"), ("body", "body chunks")):
        both = lambda kind=kind: (samples.cpu(kind, "none"), samples.cpu(kind, gate))
        row(kind, (gate, "none"), f"{title} per second of CPU, over those without a filter", 0.99, both, at_least=True)
    for long, short, title in (
        ("long-origin", "local", "CPU added, Origin of 16 KB over an allowed one"),
        ("long-list", "local-preflight", "CPU added, preflight for 16 KB of headers over one for three"),
    ):
        both = lambda long=long, short=short: (added(samples, long, gate), added(samples, short, gate))
        if samples.has(short, gate, "none"):
            row(long, (gate, "none"), title, 4, both)
    return ratios


def decided(text):
    """The rows of the targets that the native benchmark tells of; `text` is what it printed."""
    lines = re.findall(r"^(.{34}) *(\d+) +\d+ +\d+ +(\d+) +([0-9.]+)$", text, re.MULTILINE)
    if not lines:
        return []
    decisions = {title.strip(): (int(one), float(ratio)) for title, one, _, ratio in lines if not title.startswith("hint")}
    worst = max(ratio for _, ratio in decisions.values())
    rows = [Row("`decide` at 100,000 origins over at 1, the worst of its cases", worst, 1.5)]
    if found := re.search(r"^allocations of a decision that sets nothing: (\d+)$", text, re.MULTILINE):
        rows.append(Row("allocations of a decision that sets nothing", int(found[1]), 0))
    for long, short in (("malformed, 16 KB", "exact, allowed"), ("preflight, 16 KB of headers", "preflight, 3 headers")):
        if long in decisions and short in decisions:
            ratio = decisions[long][0] / decisions[short][0]
            rows.append(Row(f"`decide`: {long}, over: {short}", ratio, 4))
    return rows


def raw(samples):
    """A table of medians, each with its quartiles."""
    variants = samples.variants()
    rows = [("CPU µs for each", *(TITLES.get(it, it) for it in variants))]
    for kind in samples.kinds():
        rows.append((f"{kind.title}, {kind.what}" if kind.what == "MB" else kind.title, *(spread(samples, kind.name, it) for it in variants)))
    return rows


def spread(samples, kind, variant, column=None):
    if not samples.has(kind, variant):
        return ""
    found = column or samples.cpu(kind, variant)
    low, _, high = statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3
    return f"{statistics.median(found):.1f} ({low:.1f} to {high:.1f})"


def differences(samples):
    """The same, less what no filter costs."""
    variants = [it for it in samples.variants() if it != "none"]
    rows = [("CPU µs added", *(TITLES.get(it, it) for it in variants))]
    for kind in samples.kinds():
        cells = [spread(samples, kind.name, it, added(samples, kind.name, it)) if samples.has(kind.name, it, "none") else "" for it in variants]
        rows.append((kind.title, *cells))
    return rows


def aligned(rows):
    """For a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def markdown(rows):
    head, *others = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *others])
