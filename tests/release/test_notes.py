"""A tag, the version and the changelog say the same, or there is no release."""

import pytest

import notes
from conftest import shell

CHANGELOG = """# Changelog

## Unreleased

- Later.

## 1.2.0 - 2026-01-02

- One.
- Two.

## [1.1.0] - 2026-01-01

- Old.

## 1x0.1 - 2025-02-01

- Of no version.

## 1.0.0 - 2025-01-01
"""


@pytest.mark.parametrize("version, text", [("1.2.0", "- One.\n- Two.\n"), ("1.1.0", "- Old.\n")])
def test_the_notes_are_the_section_of_the_version(version, text):
    assert notes.notes(f"v{version}", version, CHANGELOG) == text


@pytest.mark.parametrize(
    "tag, version, problem",
    [
        ("v1.2.0", "1.2.1", "should be `v1.2.1`"),
        ("1.2.0", "1.2.0", "should be `v1.2.0`"),
        ("v1.3.0", "1.3.0", "no heading"),
        ("v1.0.1", "1.0.1", "no heading"),
        ("v1.0.0", "1.0.0", "says nothing"),
    ],
)
def test_what_does_not_fit_is_an_error(tag, version, problem):
    with pytest.raises(ValueError, match=problem):
        notes.notes(tag, version, CHANGELOG)


def test_build_sh_knows_the_version(package):
    assert shell("version") == package["version"]
