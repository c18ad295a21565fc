"""What CHANGELOG.md says of the version that a tag names; an error if the two do not fit."""

import pathlib
import re
import sys


def notes(tag: str, version: str, changelog: str) -> str:
    """The section of the version, without its heading."""
    if tag != f"v{version}":
        raise ValueError(f"the tag is `{tag}`, and Cargo.toml has {version}: it should be `v{version}`")
    heading = rf"^## \[?{re.escape(version)}\]? - \d{{4}}-\d\d-\d\d\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"CHANGELOG.md has no heading `## {version} - YYYY-MM-DD`")
    if not (text := found[1].strip()):
        raise ValueError(f"CHANGELOG.md says nothing of {version}")
    return text + "\n"


def main() -> str | None:
    tag, version, path = sys.argv[1:]
    try:
        print(notes(tag, version, pathlib.Path(path).read_text()), end="")
    except ValueError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
