"""What the README shows, to be tried as it stands there."""

import pathlib

import yaml

TEXT = (pathlib.Path(__file__).parent.parent.parent / "README.md").read_text()


def block(key):
    """The value under `key` in the block of YAML that begins with it."""
    start = TEXT.index(f"```yaml\n{key}:") + len("```yaml\n")
    return yaml.safe_load(TEXT[start : TEXT.index("```", start)])[key]


def table(header):
    """The cells of each row under a table's header."""
    rows = TEXT[TEXT.index(header) :].splitlines()[2:]
    rows = rows[: next(at for at, row in enumerate(rows) if not row.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
