"""The troubleshooting page: its log lines, counters and findings are what a real Envoy has for the requests in it.

What the command prints for them is held to it by `tests/docs.rs`.
"""

import json
import pathlib
import re
import shlex

import pytest
import yaml

import peers
import proxy
from harness import metrics, wait_for_a_tick
from readme import ROOT, blocks

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
HEAD, *SECTIONS = PAGE.split("\n## ")


def questions(section):
    """What each call of `explain` asks, and its finding."""
    for line, finding in re.findall(r"^\$ origin-gate explain policy\.json (.*)\n\w+  (\S+)$", section, re.MULTILINE):
        words = iter(shlex.split(line))
        request = {"method": "GET", "path": "/", "headers": []}
        for word in words:
            if word == "--websocket":
                request["websocket"] = True
            elif word == "-H":
                request["headers"].append(tuple(next(words).split(": ", 1)))
            elif word == "--origin":
                request["headers"].append(("Origin", next(words)))
            elif word.startswith("--response-"):
                # What the backend would say.
                next(words)
            else:
                request[word.removeprefix("--")] = next(words)
        yield request, finding


ASKED = {section.splitlines()[0]: section for section in SECTIONS if any(questions(section))}


@pytest.fixture(scope="module")
def gate(envoy, stage, module, access_log):
    shop = stage.shop(DJANGO_SETTINGS_MODULE="exposing_settings", PYTHONPATH=str(pathlib.Path(__file__).parent))
    policy = json.loads(blocks(HEAD, "json")[0])
    web = proxy.manager([proxy.gate(module, policy)], [proxy.route("/")], access_log.path)
    stats = yaml.safe_load((ROOT / "envoy" / "envoy.yaml").read_text())["stats_config"]
    return envoy(
        "troubleshooting",
        [proxy.listener("web", web)],
        [proxy.cluster("backend", shop)],
        # One worker, so that a line that was told was told to all.
        concurrency=1,
        stats_config=stats,
    )


def counter(gate, name):
    wait_for_a_tick()
    lines = metrics(gate.admin).body.splitlines()
    found = [line for line in lines if line.startswith(name) and not line.startswith("#")]
    assert len(found) == 1, f"{name}: {found}"
    return int(found[0].rsplit(" ", 1)[1])


@pytest.mark.parametrize("title", ASKED)
def test_it_happens_as_the_page_says(gate, access_log, title):
    section = ASKED[title]
    counters = {name: counter(gate, name) for name in blocks(section, "counter")}
    for number, (request, finding) in enumerate(questions(section)):
        case = f"{title} {number}"
        # As a proxy in front says that ended TLS; `explain` takes a request for one of https too.
        request["headers"] += [("x-case", case), ("x-forwarded-proto", "https")]
        with peers.Http1(gate.ports["web"]) as exchange:
            exchange.start(**request).head()
        assert access_log.line(case)["finding"] == finding
    for line in blocks(section, "log"):
        assert f" {line}\n" in gate.log(), gate.log()
    for name, before in counters.items():
        assert counter(gate, name) > before, name


def test_nearly_all_of_the_page_is_asked():
    asked = [title for title, section in ASKED.items() if blocks(section, "log") and blocks(section, "counter")]
    assert len(asked) == 10
