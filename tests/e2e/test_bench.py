"""The benchmark measures what it says: every filter does its work, and the module beside ours is built as ours is."""

import dataclasses
import pathlib
import re

import pytest

import bench
import figures
import load
import plot
import variants
from workloads import KINDS

ROOT = pathlib.Path(__file__).resolve().parents[2]
EMPTY = ROOT / ".tools" / "empty.wasm"
FLOOR = ROOT / ".tools" / "floor.wasm"


@pytest.fixture(scope="module")
def envoys(stage, binary, module):
    if not EMPTY.exists():
        pytest.skip("needs the empty module, which build.sh makes for test, e2e and bench")
    twin = module.with_name("liborigin_gate.so")
    if not twin.exists():
        pytest.skip("needs the native twin: ./build.sh build --native")
    if not FLOOR.exists():
        pytest.skip("needs the floor module, which build.sh assembles where Node is")
    modules = {"empty": EMPTY, "gate": module, "twin": twin, "floor": FLOOR}
    return variants.start(stage, binary, modules, variants.backend(stage))


@pytest.mark.module_only
def test_every_variant_does_what_it_should(envoys):
    assert list(envoys) == list(variants.TITLES)
    variants.check(envoys, KINDS)


@pytest.mark.module_only
def test_a_filter_that_does_nothing_is_found_out(envoys):
    """As if the policy, the script or the rule were without effect; and as if the baseline had one."""
    for name in ("native", "lua", "gate", "twin", "empty"):
        with pytest.raises(load.Wrong):
            variants.check({name: envoys["none" if name != "empty" else "gate"]}, KINDS)


@pytest.mark.module_only
def test_a_round_has_a_figure_for_every_target(envoys, tmp_path):
    samples = figures.Samples()
    for kind in KINDS:
        kind = dataclasses.replace(kind, count=kind.lanes)
        for name, envoy in envoys.items():
            if kind.is_for(name):
                batch = load.Batch(envoy.ports[kind.listener(name)], kind)
                for _ in range(2):
                    cpu, wall = load.measure(batch, envoy.process.pid)
                    assert cpu > 0 and wall > 0
                    samples.add(kind.name, name, cpu, wall)
                batch.close()
    rows = figures.compared(samples) + figures.compared(samples, "twin", figures.NATIVE_TARGETS)
    assert [it.title for it in rows] == [title for title, *_ in figures.TARGETS + figures.NATIVE_TARGETS]
    assert len(figures.raw(samples)) == 1 + len(KINDS)
    assert len(figures.floors(samples)) == 1 + sum(bool(it.floor) for it in KINDS)
    head, *rows_shown = figures.overview(samples)
    assert list(head[1:]) == figures.BESIDE and [it[0] for it in rows_shown] == figures.SHOWN
    assert "Origin Gate" in plot.draw(samples, "today")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{bench.MARKS[0]}old\n{bench.MARKS[1]}after\n")
    bench.write(page, figures.markdown([it.cells() for it in rows]), "today")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert all(f"| {it.title} |" in text for it in rows)


def test_the_targets_are_read_off_what_the_native_benchmark_prints():
    text = """\
exact, allowed                           198        201        199        199   1.01
malformed, 16 KB                        9900         99         99      19800   2.00
the same for the hint of a refusal, which is worked out for each line of the log:
nothing near                          101449     102111     103918     903817   9.02
allocations of a decision that sets nothing: 3
"""
    rows = figures.decided(text)
    assert [(it.value, it.is_met()) for it in rows] == [(2.0, False), (3, False), (50.0, False)]
    sources = (ROOT / "tests" / "bench" / "decide.rs").read_text()
    assert "the same for the hint" in sources and "allocations of {what}" in sources and "a decision that sets nothing" in sources


@pytest.mark.parametrize("page", ["README.md", "docs/bench.md"])
def test_the_pages_have_a_place_for_their_tables(page):
    text = (ROOT / page).read_text()
    assert [text.count(it) for it in bench.MARKS] == [1, 1]


def test_the_empty_module_is_built_as_ours():
    assert profiles(ROOT) == profiles(ROOT / "tests" / "bench" / "empty")


def test_the_empty_module_has_all_that_the_sdk_exports():
    if not EMPTY.exists():
        pytest.skip("needs the empty module, which build.sh makes for test, e2e and bench")
    names = EMPTY.read_bytes()
    assert all(it in names for it in (b"proxy_on_request_body", b"proxy_on_response_body", b"proxy_on_log"))


def profiles(folder):
    """What stands under `[profile.release]`, comments aside. What stands under packages is of crates that only one has."""
    sections = re.findall(r"^\[(profile\.release)\]\n((?:.+\n)+)", (folder / "Cargo.toml").read_text(), re.MULTILINE)
    return {name: sorted(line for line in body.splitlines() if not line.startswith("#")) for name, body in sections}
