"""What was measured, and the targets that it is held to."""

import dataclasses
import random
import re
import statistics

from variants import TITLES
from workloads import KINDS

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
    pairs = zip(samples.cpu(kind, variant), samples.cpu(kind, "none"), strict=True)
    return [more - less for more, less in pairs]


def quotient(over, under):
    """Of the medians of two columns of the same rounds, with its bounds: rounds are drawn anew, over and over."""

    def value(picked):
        return median_of(over)(picked) / (median_of(under)(picked) or float("nan"))

    rounds, dice = range(len(over)), random.Random(1)
    drawn = sorted(value(dice.choices(rounds, k=len(rounds))) for _ in range(RESAMPLES))
    edge = int(RESAMPLES * (1 - CALM) / 2)
    return value(rounds), (drawn[edge], drawn[-1 - edge])


def over_empty(kind):
    return lambda samples, gate: (added(samples, kind, gate), added(samples, kind, "empty"))


def over_script(samples, gate):
    return added(samples, "allowed", gate), added(samples, "allowed", "lua")


def over_native(kind):
    return lambda samples, gate: by_round(samples.cpu(kind, gate), samples.cpu(kind, "native"))


def by_round(over, under):
    """What is far from zero can be divided at once: both have met the same machine."""
    return [more / less for more, less in zip(over, under, strict=True)], [1] * len(over)


def passing(kind):
    """How many pass in the time that no filter needs for one."""
    return lambda samples, gate: by_round(samples.cpu(kind, "none"), samples.cpu(kind, gate))


def hostile(kind, typical):
    return lambda samples, _: (added(samples, kind, "patterns"), added(samples, typical, "patterns"))


# The title, what the ratio is of, the target, and the kinds that it needs.
TARGETS = [
    ("CPU added per GET without Origin, over the empty module's", over_empty("plain"), 1.6, "plain"),
    ("CPU added per GET, allowed Origin, over the empty module's", over_empty("allowed"), 1.9, "allowed"),
    ("CPU added per GET, refused Origin, over the empty module's", over_empty("refused"), 1.9, "refused"),
    ("CPU added per GET, allowed Origin, over the Lua script's", over_script, 1.0, "allowed"),
    ("CPU of a preflight, over Envoy's CORS filter's", over_native("preflight"), 1.45, "preflight"),
    ("frames per second of CPU, over those without a filter", passing("frames"), 0.99, "frames"),
    ("body chunks per second of CPU, over those without a filter", passing("chunks"), 0.99, "chunks"),
    ("CPU added, Origin of 16 KB over an allowed one", hostile("long-origin", "local"), 4, "long-origin local"),
    ("CPU added, Origin of 31 hyphens over an allowed one", hostile("hyphens", "local"), 4, "hyphens local"),
    (
        "CPU added, preflight for 16 KB of headers over one for three",
        hostile("long-list", "local-preflight"),
        4,
        "long-list local-preflight",
    ),
]

# Those of the native twin.
NATIVE_TARGETS = [
    ("native: CPU added per GET without Origin, over the empty module's", over_empty("plain"), 0.55, "plain"),
    ("native: CPU added per GET, allowed Origin, over the empty module's", over_empty("allowed"), 0.75, "allowed"),
    ("native: CPU added per GET, refused Origin, over the empty module's", over_empty("refused"), 0.65, "refused"),
    ("native: CPU added per GET, allowed Origin, over the Lua script's", over_script, 0.4, "allowed"),
    ("native: CPU of a GET, allowed Origin, over Envoy's CORS filter's", over_native("allowed"), 1.1, "allowed"),
    ("native: CPU of a preflight, over Envoy's CORS filter's", over_native("preflight"), 1.15, "preflight"),
]


def compared(samples, gate="gate", targets=TARGETS):
    """The rows of the targets that the Envoys tell of."""
    measured = {it.name for it in samples.kinds() if it.is_for(gate) or gate == "gate"}
    rows = []
    for title, columns, target, needed in targets:
        if measured.issuperset(needed.split()):
            value, bounds = quotient(*columns(samples, gate))
            rows.append(Row(title, value, target, bounds, at_least=needed in ("frames", "chunks")))
    return rows


def decided(text):
    """The rows of the targets that the native benchmark tells of; `text` is what it printed."""
    lines = re.findall(r"^(.{34}) *(\d+) +\d+ +\d+ +(\d+) +([0-9.]+)$", text.partition("the same for the hint")[0], re.MULTILINE)
    if not lines:
        return []
    ratio, case = max((float(ratio), title.strip()) for title, *_, ratio in lines)
    rows = [Row(f"`decide` at 100,000 origins over at 1, worst: {case}", ratio, 1.5)]
    if found := re.search(r"^allocations of a decision that sets nothing: (\d+)$", text, re.MULTILINE):
        rows.append(Row("allocations of a decision that sets nothing", int(found[1]), 0))
    # Within a policy the first line is the typical request.
    typical, ratios = {}, []
    for title, few, *_ in lines:
        policy = title.partition(",")[0].replace("malformed", "exact")
        ratios.append((int(few) / typical.setdefault(policy, int(few)), title.strip()))
    ratio, case = max(ratios)
    return [*rows, Row(f"`decide`, the worst origin or list over a typical one: {case}", ratio, 4)]


def raw(samples):
    """A table of medians, each with its quartiles."""
    variants = samples.variants()
    rows = [("CPU µs for each", *(TITLES.get(it, it) for it in variants))]
    for kind in samples.kinds():
        rows.append((kind.title, *(spread(samples, kind.name, it) for it in variants)))
    return rows


def spread(samples, kind, variant, column=None):
    if not column and not samples.has(kind, variant):
        return ""
    found = column or samples.cpu(kind, variant)
    low, _, high = statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3
    return f"{statistics.median(found):.1f} ({low:.1f} to {high:.1f})"


def differences(samples):
    """The same, less what no filter costs."""
    variants = [it for it in samples.variants() if it != "none"]
    rows = [("CPU µs added", *(TITLES.get(it, it) for it in variants))]
    for kind in samples.kinds():
        cells = [
            spread(samples, kind.name, it, added(samples, kind.name, it)) if samples.has(kind.name, it, "none") else ""
            for it in variants
        ]
        rows.append((kind.title, *cells))
    return rows


def floors(samples, gate="gate"):
    """A table of what the host calls alone cost, also as the targets have it, and of what Origin Gate costs beyond them: that is
    its own to save."""
    rows = [("CPU µs added", "the same host calls alone", "as its target is", "Origin Gate above that")]
    for kind in samples.kinds():
        if samples.has(kind.name, "none", "native", "empty", "floor", gate):
            least, ours = added(samples, kind.name, "floor"), added(samples, kind.name, gate)
            above = [more - less for more, less in zip(ours, least, strict=True)]
            measure = over_native if kind.is_own else over_empty
            over, bounds = quotient(*measure(kind.name)(samples, "floor"))
            ratio = f"{number(over)} ({number(bounds[0])} to {number(bounds[1])})"
            rows.append((kind.title, spread(samples, kind.name, "", least), ratio, spread(samples, kind.name, "", above)))
    return rows if len(rows) > 1 else []


def aligned(rows):
    """For a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def markdown(rows):
    head, *others = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *others])


# What somebody decides by who does not know the filter yet.
SHOWN = ["GET without Origin", "GET, allowed Origin", "GET, refused Origin", "WebSocket handshake", "frame and its echo"]
BESIDE = ["Envoy's CORS filter", "Lua script, CORS only", "Origin Gate", "Origin Gate, native"]


def overview(samples):
    """The medians of some rows and columns of the differences."""
    head, *rows = differences(samples)
    at = [head.index(it) for it in BESIDE if it in head]
    medians = [(row[0], *(row[it].partition(" (")[0] for it in at)) for row in rows if row[0] in SHOWN]
    return [("CPU added to a request, µs", *(head[it] for it in at)), *medians]
