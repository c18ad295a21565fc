"""The picture of a run, as SVG: the CPU time of each kind of request with each filter."""

import html
import statistics

from variants import TITLES

COLOURS = {"none": "#9aa5b1", "native": "#5b8def", "lua": "#8e6bbf", "empty": "#d9a441", "gate": "#2f9e6e", "twin": "#1b6b4a"}
LEFT, WIDTH, RIGHT, BAR, GAP, TOP = 210, 560, 90, 13, 16, 64


def draw(samples, caption):
    """Bars are medians, the lines on them quartiles."""
    kinds = [it for it in samples.kinds() if samples.has(it.name, *COLOURS)]
    parts, y = [], TOP
    # A MB of body is of another order than the rest: it has a scale of its own.
    scale = max((statistics.median(samples.cpu(it.name, name)) for it in kinds if it.name != "body" for name in COLOURS), default=1)
    for kind in kinds:
        medians = {name: statistics.median(samples.cpu(kind.name, name)) for name in COLOURS}
        most = max(scale, *medians.values())
        title = kind.title if most == scale else f"{kind.title} (own scale)"
        parts.append(text(LEFT - 10, y + BAR * len(COLOURS) / 2 + 4, title, "end"))
        for name, median in medians.items():
            parts += bar(samples.cpu(kind.name, name), median, most, y, COLOURS[name])
            y += BAR
        y += GAP
    height, width = y + 24, LEFT + WIDTH + RIGHT
    legend = [
        f'<rect x="{20 + at * 165}" y="36" width="11" height="11" fill="{colour}"/>{text(36 + at * 165, 46, TITLES[name])}'
        for at, (name, colour) in enumerate(COLOURS.items())
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'font-family="system-ui, sans-serif" font-size="12">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            f'<g font-weight="bold">{text(20, 22, "CPU time of the Envoy process, µs for each (median, quartiles)")}</g>',
            *legend,
            *parts,
            f'<g font-size="10">{text(20, height - 10, caption)}</g>',
            "</svg>\n",
        ]
    )


def bar(column, median, most, y, colour):
    low, _, high = statistics.quantiles(column, n=4, method="inclusive") if len(column) > 1 else column * 3

    def at(value):
        return LEFT + min(value / most, 1.08) * WIDTH

    middle = y + BAR / 2 - 0.5
    return [
        f'<rect x="{LEFT}" y="{y}" width="{at(median) - LEFT:.1f}" height="{BAR - 1}" fill="{colour}"/>',
        f'<path d="M{at(low):.1f} {middle}H{at(high):.1f}" stroke="#333333"/>',
        text(max(at(high), at(median)) + 5, y + BAR - 3, f"{median:.1f}" if median < 100 else f"{median:.0f}"),
    ]


def text(x, y, words, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#333333">{html.escape(words)}</text>'
