"""What the README and other pages show, to be tried as it stands there."""

import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def block(key, text):
    """The value under `key` in the block of YAML that begins with it."""
    start = text.index(f"```yaml\n{key}:") + len("```yaml\n")
    return yaml.safe_load(text[start : text.index("```", start)])[key]


def blocks(text, kind):
    """The blocks of a kind, such as `json`."""
    return re.findall(rf"```{kind}\n(.*?)\n```", text, re.DOTALL)


def table(header, text=TEXT):
    """The cells of each row under a table's header."""
    rows = text[text.index(header) :].splitlines()[2:]
    rows = rows[: next((at for at, row in enumerate(rows) if not row.startswith("|")), None)]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
