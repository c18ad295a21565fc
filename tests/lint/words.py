"""Words that this project's documents do without; `CONTRIBUTING.md` says why. Prints each line that has one."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "build.sh",
    "docs/**/*.md",
    "envoy/**/*.yaml",
    "envoy/**/*.md",
    "src/**/*.rs",
    "src/**/*.js",
]
# Each with what to write in its place.
RETIRED = {
    r"\b(?:un)?told\b": "logged, counted, printed, shown",
    r"\bone who\b": "a client that, an operator who",
    r"\b[Ww]hat is no\b": "name the thing",
    r"\bcomes? to nothing\b": "fails, has no effect",
    r"\bit counts that\b": "name what counts",
}
# These pages quote texts of the programs, each made by a test.
QUOTING = {"docs/diagnoses.md"}


def main():
    found = 0
    for page in sorted({path for pattern in PAGES for path in ROOT.glob(pattern)}):
        name = page.relative_to(ROOT).as_posix()
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for word, instead in RETIRED.items():
                if name not in QUOTING and re.search(word, line):
                    print(f"{name}:{number}: `{re.search(word, line)[0]}`: write {instead}")
                    found += 1
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
