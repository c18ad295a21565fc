"""`envoy/monitoring`: the rules say what they should, and a real Prometheus finds in a real Envoy all that they ask for.

Debian's package `prometheus` brings both programs.

Long: what is shipped, and what each part of it shows.
"""

import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest
import yaml

import demo
import harness
import metrics
import node
import peers
import proxy
import readme
from conftest import MODULE
from dynamic import DISCOVERY, Dynamic
from harness import ask, free_port
from hot_reload import digests, held, is_alone, number
from watch import show, wait_for

ENVOY_FILES = demo.FILES
FILES = ENVOY_FILES / "monitoring"
APP, FOREIGN = "https://app.example", "https://evil.example"
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: apt install prometheus)")
needs_prometheus = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian: apt install prometheus)")


def load(name):
    return yaml.safe_load((FILES / name).read_text())


CASES = ["alerts.test.yaml", "alerts.days.test.yaml"]
ALERTS = {rule["alert"]: rule for group in load("alerts.yaml")["groups"] for rule in group["rules"]}
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
PANELS = [it for it in DASHBOARD["panels"] if it["type"] != "row"]
COMPOSE = yaml.safe_load((ENVOY_FILES / "docker-compose.yaml").read_text())["services"]


@needs_promtool
@pytest.mark.parametrize(
    "command", ["check config prometheus.yaml", "check rules alerts.yaml", *(f"test rules {it}" for it in CASES)]
)
def test_promtool(command):
    done = subprocess.run([PROMTOOL, *command.split()], cwd=FILES, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_what_to_do_and_is_tested_both_ways():
    cases = "".join((FILES / it).read_text() for it in CASES)
    assert "count(ALERTS)" in cases, "the case in which none fires"
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert set(rule["annotations"]) == {"summary", "description", "action", "see", "runbook_url"}, name
        section = re.fullmatch(r'docs/operations.md, "(.+)"', rule["annotations"]["see"])[1]
        assert f"\n## {section}\n" in readme.OPERATIONS, name
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/operations.md#{section.lower().replace(' ', '-')}"), name
        assert name in cases, f"no test has {name}"


def test_the_page_lists_the_alerts():
    header = "| alert | severity | fires when |"
    told = [(name.strip("`"), severity) for name, severity, _ in readme.table(header, readme.OPERATIONS)]
    assert told == [(name, rule["labels"]["severity"]) for name, rule in ALERTS.items()]


def test_the_dashboard_has_the_types_of_grafana(tmp_path):
    """A key that Grafana does not know, or a value of another kind, is an error of the compiler."""
    node.need("@grafana/schema")
    here = pathlib.Path(__file__).parent
    source = tmp_path / "dashboard.ts"
    source.write_text((here / "dashboard.ts").read_text() + (FILES / "dashboard.json").read_text())
    (tmp_path / "node_modules").symlink_to(node.MODULES)
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"]
    command = ["node", node.MODULES / "typescript/bin/tsc", *options, source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=peers.PATIENCE * 5)
    assert done.returncode == 0, done.stdout


def test_the_dashboard_is_whole():
    assert DASHBOARD["uid"] == "origin-gate" and "id" not in DASHBOARD, "links to it last; Grafana gives the other"
    assert set(re.findall(r'"uid": "([^"]*)"', json.dumps(DASHBOARD))) == {"origin-gate", "${datasource}", "-- Grafana --"}
    assert [it["name"] for it in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    ids = [it["id"] for it in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert at["x"] + at["w"] <= 24 and not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
    for panel in PANELS:
        assert panel["type"] in ("timeseries", "stat", "bargauge", "table"), panel["title"]
        assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for it in [panel, *panel["targets"]]:
            assert it["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert len({it["refId"] for it in panel["targets"]}) == len(panel["targets"]), panel["title"]


def test_compose_puts_every_file_where_it_is_read():
    mounted = {}
    for name in ("prometheus", "grafana"):
        assert COMPOSE[name]["profiles"] == ["monitoring"]
        files = (it.split(":") for it in COMPOSE[name]["volumes"] if it.startswith("."))
        mounted[name] = {target: ENVOY_FILES / source for source, target, _ in files}
    config = load("prometheus.yaml")
    assert mounted["prometheus"]["/etc/prometheus/prometheus.yml"] == FILES / "prometheus.yaml"
    for rules in config["rule_files"]:
        assert mounted["prometheus"][f"/etc/prometheus/{rules}"] == FILES / rules
    grafana = mounted["grafana"]
    (source,) = load("grafana/datasources/prometheus.yaml")["datasources"]
    host, _, port = urllib.parse.urlsplit(source["url"]).netloc.partition(":")
    assert host in COMPOSE and COMPOSE[host]["ports"] == [f"127.0.0.1:${{PROMETHEUS_PORT-{port}}}:{port}"]
    assert grafana["/etc/grafana/provisioning/datasources"] == FILES / "grafana/datasources"
    assert grafana["/etc/grafana/provisioning/dashboards"] == FILES / "grafana/dashboards"
    (provider,) = load("grafana/dashboards/origin_gate.yaml")["providers"]
    (dashboard,) = [target for target, file in grafana.items() if file == FILES / "dashboard.json"]
    assert dashboard.startswith(provider["options"]["path"] + "/")
    assert COMPOSE["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == dashboard


def test_prometheus_reads_the_listener_that_is_there_for_it():
    (job,) = load("prometheus.yaml")["scrape_configs"]
    ((target,),) = [it["targets"] for it in job["static_configs"]]
    host, _, port = target.partition(":")
    config = yaml.safe_load((ENVOY_FILES / "envoy.yaml").read_text())
    listeners = {it["name"]: it["address"]["socket_address"] for it in config["static_resources"]["listeners"]}
    assert host in COMPOSE and listeners["stats"]["port_value"] == int(port)
    assert not any(it.endswith(f":{port}") for it in COMPOSE[host]["ports"]), "not for the machine outside"
    (cluster,) = [it for it in config["static_resources"]["clusters"] if it["name"] == "admin"]
    assert demo.endpoint(cluster) == config["admin"]["address"]
    assert job["job_name"] in ALERTS["OriginGateDown"]["expr"]


# What runs.


@pytest.fixture(scope="module")
def shipped(stage, backend, module):
    """Envoy as `envoy.yaml` has it."""
    return stage.envoy(os.environ["ENVOY_BIN"], demo.envoy_config(backend.port, module, False), name="shipped")


@pytest.fixture(scope="module")
def dynamic(stage, backend, module, access_log):
    gate = proxy.gate(module, {"allowed_origins": [APP], "websocket": {"mode": "report_only"}})
    clusters = [proxy.cluster("backend", backend.port)]
    return Dynamic(stage, gate, [proxy.route("/")], clusters, access_log=access_log.path)


# Envoy decides both for every metric there is: it writes no help texts, and it names no counter by its kind.
ENVOYS_OWN = {"no help text", 'counter metrics should have "_total" suffix'}


@needs_promtool
def test_names_are_as_prometheus_wants_them(shipped, module):
    show(shipped, module)
    lines = harness.metrics(shipped.ports["stats"]).body.splitlines()
    ours = [it for it in lines if re.search(r"\borigin_gate_", it)]
    assert len({it.split("{")[0] for it in ours if not it.startswith("#")}) >= 5
    command = [PROMTOOL, "check", "metrics"]
    done = subprocess.run(command, input="\n".join(ours) + "\n", capture_output=True, text=True, timeout=60)
    problems = [it.split(" ", 1) for it in (done.stdout + done.stderr).splitlines()]
    assert problems and [it for it in problems if it[1] not in ENVOYS_OWN] == []


def test_the_listener_for_prometheus_shows_nothing_else(shipped):
    port = shipped.ports["stats"]
    shown = harness.metrics(port)
    assert shown.status == 200 and "# TYPE origin_gate_decisions counter" in shown.body
    for method, path in (
        ("GET", "/"),
        ("GET", "/stats"),
        ("GET", "/config_dump"),
        ("GET", "/stats/prometheus/"),
        ("GET", "/stats/prometheus/../../config_dump"),
        ("GET", "/stats/prometheus%2f..%2f..%2fconfig_dump"),
        ("POST", "/stats/prometheus"),
        ("POST", "/quitquitquit"),
        ("POST", "/stats/prometheus/../../quitquitquit"),
    ):
        assert ask(port, method, path).status == 404, f"{method} {path}"


def test_each_worker_and_the_main_thread_hold_the_policy(shipped, module):
    show(shipped, module)
    (digest,) = digests(shipped)
    wait_for(lambda: is_alone(shipped, 3, digest), lambda: held(shipped))


@pytest.mark.module_only
def test_the_digest_covers_the_settings_that_are_read(envoy, module, access_log):
    def listener(name, setting):
        gate = proxy.gate(module, {"django_env": True})
        vm = gate["typed_config"]["config"]["vm_config"]
        # Before 1.39 Envoy gives one VM, with one environment, to all that differ in the environment only.
        vm["vm_id"] = name
        vm["environment_variables"] = {"key_values": {"CORS_ALLOWED_ORIGINS": setting, "UNRELATED": name}}
        return proxy.listener(name, proxy.manager([gate], [proxy.route("/")], access_log.path))

    settings = {"one": APP, "same": APP, "other": FOREIGN}
    started = envoy("settings", [listener(*it) for it in settings.items()], [])
    assert len(set(digests(started))) == 2


@pytest.fixture(scope="module")
def server(stage, shipped, dynamic, module):
    """A Prometheus with the shipped configuration, but for the addresses and the haste, of two Envoys that have seen it
    all: both policies of `dynamic`, and one of each kind that it refuses."""
    if PROMETHEUS is None:
        pytest.skip("prometheus is not installed (Debian: apt install prometheus)")
    config = load("prometheus.yaml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FILES / it) for it in config["rule_files"]]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{shipped.ports['stats']}", f"127.0.0.1:{dynamic.envoy.admin}"]}]
    file = stage.folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    server = Server(stage, file)
    show(shipped, module), show(dynamic.envoy, module)
    # Rates need a sample from before.
    wait_for(lambda: len(server.query("origin_gate_policy_vms > 0")) == 2, lambda: stage.log("prometheus"))
    traffic(shipped, dynamic.envoy)
    refuse_and_replace(dynamic, module)
    return server


class Server:
    def __init__(self, stage, config):
        self.port = free_port()
        options = [f"--config.file={config}", f"--storage.tsdb.path={stage.folder / 'tsdb'}"]
        options.append(f"--web.listen-address=127.0.0.1:{self.port}")
        process = stage.start("prometheus", [PROMETHEUS, *options])
        stage.wait_for(lambda: ask(self.port, "GET", "/-/ready").status == 200, "prometheus", process)

    def get(self, path, **parameters):
        answer = json.loads(ask(self.port, "GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}").body)
        assert answer["status"] == "success", f"{parameters}: {answer}"
        return answer["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def wait_for_data(self, expression):
        """What it says now, once it says something; a number that is none is nothing."""
        found = []

        def probe():
            found[:] = [it for it in self.query(expression) if it["value"][1] != "NaN"]
            return found

        wait_for(probe, lambda: f"no data: {expression}")
        return found


def traffic(shipped, dynamic):
    web = shipped.ports["web"]
    for origin in (demo.APP, FOREIGN):
        for _ in range(10):
            assert get(web, "/teapot", origin, demo.API) == 418
            assert handshake(web, origin, demo.API) == (101 if origin == demo.APP else 403)
    assert get(web, "/teapot", APP, "evil.example") == 421
    web = dynamic.ports["web"]
    assert get(web, "/backend/200?header=set-cookie:%20session=1", APP, peers.HOST) == 200
    assert handshake(web, FOREIGN, peers.HOST) == 101


def get(port, path, origin, host):
    headers = [("Origin", origin), ("Sec-Fetch-Site", "cross-site")]
    return peers.ask(peers.Http1, port, path=path, headers=headers, host=host).status


def handshake(port, origin, host):
    with peers.Http1(port) as exchange:
        return exchange.start("GET", "/ws/chat/", [("Origin", origin)], host=host, websocket=True).head().status


def refuse_and_replace(dynamic, module):
    bad = proxy.gate(module, {"alowed_origins": [APP]})
    dynamic.put_gate(bad)
    dynamic.wait_for_stat(f"{DISCOVERY}.config_fail", 1)
    show(dynamic.envoy, module)
    dynamic.wait_for_stat(f"{metrics.PREFIX}origin_gate_policies_refused", 1)
    dynamic.put_listener(bad)
    dynamic.wait_for_stat("listener_manager.lds.update_rejected", 1)
    (old,) = digests(dynamic.envoy)
    # What the comment in `alerts.yaml` says of the same bad policy again: a success, that none is.
    successes = dynamic.envoy.stats(DISCOVERY)[f"{DISCOVERY}.update_success"]
    dynamic.put_gate(bad)
    dynamic.wait_for_stat(f"{DISCOVERY}.update_success", successes + 1)
    assert is_alone(dynamic.envoy, 3, old), "the old policy is in force"
    dynamic.put_gate(proxy.gate(module, {"allowed_origins": [FOREIGN]}))
    dynamic.wait_for_stat(f"{DISCOVERY}.update_success", successes + 2)
    show(dynamic.envoy, module)
    assert digests(dynamic.envoy)[0] == old
    # The twin's metrics go with its policy.
    wait_for(
        lambda: is_alone(dynamic.envoy, 3, digests(dynamic.envoy)[-1]),
        lambda: f"{held(dynamic.envoy)}, {digests(dynamic.envoy)}",
    )


def is_counted(expression):
    """What Envoy counts of Wasm it does not count of the twin, and the twin has no policy that is kept."""
    of_wasm = ("envoy_wasm_", "origin_gate_policy_kept")
    return not (proxy.is_native(MODULE) and any(it in expression for it in of_wasm))


SELECTOR = re.compile(r"\b(?:origin_gate_\w+|envoy_\w+|up|ALERTS)\b(?:\{[^}]*\})?")


@needs_prometheus
@pytest.mark.parametrize("name", ALERTS)
def test_all_that_an_alert_asks_for_is_there(server, name):
    expression = ALERTS[name]["expr"]
    server.query(expression)
    selectors = SELECTOR.findall(expression)
    assert selectors
    for selector in filter(is_counted, selectors):
        server.wait_for_data(selector)


@needs_prometheus
def test_a_policy_that_is_refused_and_replicas_that_differ_are_told(server, dynamic):
    refused = 'ALERTS{alertname="OriginGatePolicyRejected",alertstate="firing"}'
    (alert,) = server.wait_for_data(refused)
    assert alert["metric"]["instance"] == f"127.0.0.1:{dynamic.envoy.admin}"
    last = number(digests(dynamic.envoy)[-1])
    server.wait_for_data(f'ALERTS{{alertname="OriginGatePoliciesDiffer",digest="{last}"}}')
    quiet = 'ALERTS{alertname=~"OriginGate(Down|NoPolicy|ModuleNotFetched|PolicyNotOnEveryWorker|Crashed|HeadersUnavailable)"}'
    assert server.query(quiet) == []


EXPRESSIONS = [(panel["title"], it["expr"]) for panel in PANELS for it in panel["targets"] if is_counted(it["expr"])]


@needs_prometheus
@pytest.mark.parametrize("title, expression", EXPRESSIONS, ids=[f"{title} {at}" for at, (title, _) in enumerate(EXPRESSIONS)])
def test_every_panel_has_data(server, title, expression):
    for variable, value in {"$__rate_interval": "5m", "$__range": "5m", "$job": ".+", "$instance": ".+"}.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    found = server.wait_for_data(expression)
    legend = next(it["legendFormat"] for panel in PANELS if panel["title"] == title for it in panel["targets"])
    for name in re.findall(r"{{(\w+)}}", legend):
        assert all(name in it["metric"] for it in found), f"{name} is no label of it"


@needs_prometheus
def test_every_variable_has_values(server):
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            assert server.get(f"label/{label}/values", **{"match[]": series.replace("$job", ".+")})
