"""`docs/fleet.md`: its overlay, its queries and the shape of its sizes."""

import argparse
import re
import shutil

import pytest
import yaml

import readme
import sizes
from harness import ask, metrics, wait_for_a_tick
from manifests import APP, FILES, FOREIGN, POLICY, Hot, granted, kustomize, needs_kubectl

PAGE = (readme.ROOT / "docs" / "fleet.md").read_text()
# Blocks of a list are indented by it.
PLAIN = re.sub(r"(?m)^   (?=\S| )", "", PAGE)
MODES = {"cors": {"mode": "report_only", "allow_credentials": True}, "websocket": {"mode": "report_only"}}
CANARY = {**POLICY, **MODES, "hosts": {**POLICY["hosts"], "mode": "report_only"}}


@needs_kubectl
def test_the_overlay_is_the_canary(tmp_path):
    shutil.copytree(FILES / "istio", tmp_path / "base")
    (tmp_path / "canary").mkdir()
    (tmp_path / "canary" / "kustomization.yaml").write_text(readme.blocks(PLAIN, "yaml")[0])
    found = kustomize(tmp_path / "canary")["TrafficExtension", "origin-gate-canary"]["spec"]
    base = yaml.safe_load((FILES / "istio" / "trafficextension.yaml").read_text())["spec"]
    assert found["selector"]["matchLabels"] == {**base["selector"]["matchLabels"], "track": "canary"}
    assert found["wasm"]["pluginConfig"] == CANARY


def test_the_canary_refuses_nothing_and_tells_what_it_would(stage, binary, backend, module):
    """And what the queries ask for is there."""
    hot = Hot(stage, binary, backend.port, module, "fleet", CANARY)
    assert not granted(hot.web, APP), "report_only gives no page access"
    answer = ask(hot.web, "GET", "/backend/200", {"Host": "evil.example", "Origin": FOREIGN})
    assert answer.status == 200
    wait_for_a_tick()
    text = metrics(hot.envoy.admin).body
    (queries,) = readme.blocks(PAGE, "promql")
    for name in set(re.findall(r"origin_gate_\w+", queries)):
        assert f"# TYPE {name} " in text, name
    told = re.findall(r'^origin_gate_decisions\{(.*outcome="would_reject".*)\} ([1-9]\d*)$', text, re.MULTILINE)
    labels = {label for found, _ in told for label in re.findall(r"(\w+)=", found)}
    assert {"check", "reason", "outcome"} <= labels


def test_the_alerts_that_it_names_are_there():
    alerts = yaml.safe_load((FILES / "monitoring" / "alerts.yaml").read_text())
    names = {rule["alert"] for group in alerts["groups"] for rule in group["rules"]}
    told = set(re.findall(r"`(OriginGate\w+)`", PAGE))
    assert told and told <= names


@pytest.mark.module_only
def test_its_sizes_are_what_the_verb_prints(stage, binary, module, capsys):
    """In shape, and as far as they are the same everywhere."""
    options = argparse.Namespace(envoy=binary, module=module, origins=[10])
    assert sizes.show(stage, options) == 0
    header, _, row = capsys.readouterr().out.splitlines()[:3]
    shown = readme.table(header, PAGE)[0]
    now = [it.strip() for it in row.strip("|").split("|")]
    assert [re.sub(r"-?[\d.,]+", "0", it) for it in now] == [re.sub(r"-?[\d.,]+", "0", it) for it in shown]
    assert now[:2] == shown[:2]


def test_its_sums_are_right():
    rows = {row[0]: row for row in readme.table("| origins | policy |", PAGE)}
    kib = {number: float(row[1].split()[0].replace(",", "")) for number, row in rows.items()}
    assert f"{round(kib['1,000'] * 10_000 / 1024, -1):.0f} MiB through" in PAGE
    assert f"{kib['100,000'] * 10_000 / 1024**2:.0f} GiB" in PAGE
    memory = float(rows["100,000"][4].split()[0]) + 3 * float(rows["100,000"][5].split()[0])
    assert f"some {round(memory, -1):.0f} MiB an Envoy" in PAGE.replace("\n", " ")
    assert f"{round(1024 / kib['100,000'] * 100_000, -3):,.0f} origins" in PAGE.replace("\n", " ")
