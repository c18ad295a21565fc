"""Backends that believe which host a request says it was first sent to: Django on gunicorn, Rack on Puma, and Hypercorn,
which reads `Forwarded`."""

import pathlib
import shutil
import sys

import pytest

import peers
import proxy
from harness import SHOP, ask, free_port, surroundings

HERE = pathlib.Path(__file__).parent
PUMA = shutil.which("puma")
OWN, EVIL = "api.example", "evil.example"
MODES = ["ignore", "check", "strip"]

# What a client sends, and what no backend may take for the host.
SENT = {
    "the header": [("X-Forwarded-Host", EVIL)],
    "the last of a list": [("X-Forwarded-Host", f"{OWN}, {EVIL}")],
    "the first of a list": [("X-Forwarded-Host", f"{EVIL}, {OWN}")],
    "the second line": [("X-Forwarded-Host", OWN), ("X-Forwarded-Host", EVIL)],
    "_ for each -": [("X_Forwarded_Host", EVIL)],
    "_ for one -": [("X-Forwarded_Host", EVIL)],
    "_ beside the header": [("X-Forwarded-Host", OWN), ("X_Forwarded_Host", EVIL)],
    "Forwarded": [("Forwarded", f"for=192.0.2.1;host={EVIL}")],
    "Forwarded, the last": [("Forwarded", f"host={OWN}, for=192.0.2.1;host={EVIL}")],
    "Forwarded, the first": [("Forwarded", f"for=192.0.2.1;host={EVIL}, host={OWN}")],
    "Forwarded, inside quotes": [("Forwarded", f'for="192.0.2.1;host={EVIL}"')],
    "Forwarded that does not parse": [("Forwarded", f"for=192.0.2.1; host = {EVIL}")],
}
# What of this each of them falls for.
DJANGO = ["the header", "_ for each -", "_ for one -"]
# Rack reads `Forwarded` from 3 on, which Debian has from 13 on.
RACK = ["the header", "_ for each -", "_ for one -"]
HYPERCORN = ["Forwarded", "Forwarded, the last"]


@pytest.fixture(scope="module")
def gunicorn(stage):
    # Releases before 22 believe names with `_` in all configurations.
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--header-map", "dangerous"]
    paths = f"{HERE}:{SHOP}"
    environment = surroundings(PYTHONPATH=paths, PYTHONDONTWRITEBYTECODE="1", DJANGO_SETTINGS_MODULE="forwarded_settings")
    process = stage.start("gunicorn", [*command, "forwarded_wsgi"], env=environment)
    stage.wait_for(lambda: ask(port, "GET", "/").status == 200, "gunicorn", process)
    return port


@pytest.fixture(scope="module")
def rack(stage):
    if PUMA is None:
        pytest.skip("Puma is not installed (Debian: apt install puma ruby-rack)")
    port = free_port()
    process = stage.start("puma", [PUMA, "--quiet", "--bind", f"tcp://127.0.0.1:{port}", HERE / "forwarded.ru"], cwd=stage.folder)
    stage.wait_for(lambda: ask(port, "GET", "/").status == 200, "puma", process)
    return port


@pytest.fixture(scope="module")
def hypercorn(stage):
    port = free_port()
    command = [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "forwarded_asgi:application"]
    environment = surroundings(PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1")
    process = stage.start("hypercorn", command, env=environment)
    stage.wait_for(lambda: ask(port, "GET", "/").status == 200, "Hypercorn", process)
    return port


def gates(envoy, module, name, port):
    def listener(mode):
        policy = {"allowed_hosts": [OWN], "hosts": {"forwarded_host": mode}}
        return proxy.listener(mode, proxy.manager([proxy.gate(module, policy)], [proxy.route("/")]))

    return envoy(f"forwarding-{name}", [listener(mode) for mode in MODES], [proxy.cluster("backend", port)]).ports


@pytest.fixture(scope="module")
def django_gates(envoy, module, gunicorn):
    return gates(envoy, module, "django", gunicorn)


@pytest.fixture(scope="module")
def hypercorn_gates(envoy, module, hypercorn):
    return gates(envoy, module, "hypercorn", hypercorn)


@pytest.fixture(scope="module")
def rack_gates(envoy, module, rack):
    return gates(envoy, module, "rack", rack)


def host(ports, mode, sent):
    answer = peers.ask(peers.Http1, ports[mode], headers=sent)
    return answer.text() if answer.status == 200 else answer.status


def holds(ports, name, falls_for):
    sent = SENT[name]
    if name in falls_for:
        assert host(ports, "ignore", sent) == EVIL, "the backend believes no such thing"
    assert host(ports, "strip", sent) == OWN
    assert host(ports, "check", sent) == 421
    assert host(ports, "check", [(it, OWN) for it, _ in sent if it != "Forwarded"] or [("Forwarded", f"host={OWN}")]) != 421


@pytest.mark.parametrize("name", SENT)
def test_django_on_gunicorn(django_gates, name):
    holds(django_gates, name, DJANGO)


@pytest.mark.parametrize("name", SENT)
def test_rack_on_puma(rack_gates, name):
    holds(rack_gates, name, RACK)


@pytest.mark.parametrize("name", SENT)
def test_hypercorn(hypercorn_gates, name):
    holds(hypercorn_gates, name, HYPERCORN)


def test_hypercorn_finds_a_host_inside_quotes(hypercorn_gates):
    assert host(hypercorn_gates, "ignore", SENT["Forwarded, inside quotes"]) == f'{EVIL}"'
