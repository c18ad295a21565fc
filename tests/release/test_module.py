"""The module says what it was built from, and nothing of where."""

import os
import pathlib
import re
import subprocess
import tarfile

import pytest

from conftest import ROOT, shell
from sections import sections


def test_its_sections_tell_version_and_revision(module, package, revision):
    assert sections(module)["version"].decode() == package["version"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", revision)


def test_the_start_up_line_has_the_same(module, revision):
    code = module.rpartition(b"\x08revision")[0]
    assert revision.encode() in code


def test_it_has_no_path_of_the_machine(module):
    homes = {pathlib.Path.home(), ROOT, pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")}
    for path in homes:
        assert bytes(path) + b"/" not in module
    found = {
        it for it in re.findall(rb"/[\w.+-]+/[\w.+/-]+", module) if it.startswith((b"/home/", b"/root/", b"/Users/", b"/tmp/"))
    }
    assert not found
    # What tells the place of a panic is as it is on every machine.
    assert b"/rustc/" in module and b"crates/" in module


# What the module can be built without.

SCRIPTS = ("build.sh", "release/module.sh", "release/page.sh", "release/twin.sh", "tests/tools.sh", "tests/verbs.sh")


def test_an_optimiser_that_cannot_be_installed_is_done_without(tmp_path):
    for name in (*SCRIPTS, ".cargo/wasm-opt/package.json", ".cargo/wasm-opt/package-lock.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
    (tmp_path / "in").write_text("module")
    said = shell("node() { :; }; npm() { return 1; }; optimise in out; echo $UNOPTIMISED", tmp_path)
    assert "npm cannot install wasm-opt" in said and said.endswith("\nyes")
    assert (tmp_path / "out").read_text() == "module"
    assert not (tmp_path / ".tools/wasm-opt/done").exists()


# The revision.


@pytest.fixture
def clone(tmp_path):
    """A repository with what tells the revision, and a commit."""
    for name in (*SCRIPTS, "Cargo.toml", ".gitattributes", "release/revision.txt"):
        path = tmp_path / "clone" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
    git(tmp_path / "clone", "init", "--quiet")
    git(tmp_path / "clone", "add", ".")
    git(tmp_path / "clone", "-c", "user.name=a", "-c", "user.email=a@a.example", "commit", "--quiet", "--message=a")
    return tmp_path / "clone"


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, timeout=60)
    return done.stdout


def test_the_revision_is_the_commit_and_says_if_it_is_not_all(clone):
    commit = git(clone, "rev-parse", "HEAD").decode().strip()
    assert shell("revision", clone) == commit
    (clone / "new").touch()
    assert shell("revision", clone) == f"{commit}-dirty"
    (clone / "new").unlink()
    (clone / "Cargo.toml").write_text("")
    assert shell("revision", clone) == f"{commit}-dirty"


def test_an_archive_of_the_source_has_it_too(clone, tmp_path):
    commit = git(clone, "rev-parse", "HEAD").decode().strip()
    tarball = tmp_path / "source.tar"
    tarball.write_bytes(git(clone, "archive", "HEAD"))
    # Within another repository, whose revision says nothing.
    with tarfile.open(tarball) as archive:
        archive.extractall(clone / "unpacked", filter="data")
    assert shell("revision", clone / "unpacked") == commit


def test_without_git_it_is_unknown_or_what_one_says(clone):
    (clone / ".git").rename(clone / "elsewhere")
    assert shell("revision", clone) == "unknown"
    assert shell("revision", clone, ORIGIN_GATE_REVISION="1.2-3") == "1.2-3"
    with pytest.raises(subprocess.CalledProcessError):
        shell("revision", clone, ORIGIN_GATE_REVISION="two words")
