"""docker-compose.yaml on a real Docker engine: up, the demo's checks, down; alone, and as a `.env` has it.

The images are those that it names, or stand-ins where no registry can be reached.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "envoy" / "demo"))

import demo
import images
from harness import Failure, ask, surroundings
from images import docker, must

SERVICES = yaml.safe_load((demo.FILES / "docker-compose.yaml").read_text())["services"]
NEW = "https://app.example"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--envoy", required=True, type=pathlib.Path, help="for a stand-in")
    options = parser.parse_args()
    try:
        must(docker("info", capture_output=True), "docker info")
        must(docker("compose", "version", capture_output=True), "docker compose version")
        with tempfile.TemporaryDirectory(prefix="origin-gate-") as folder:
            return 0 if play(pathlib.Path(folder), options.envoy) else 1
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def play(folder, envoy):
    changes, missing = {}, []
    if not images.can_pull(SERVICES):
        changes = images.stand_ins(folder, envoy)
        missing = sorted(SERVICES.keys() - changes.keys())
        print(f"no registry: stand-ins for {', '.join(sorted(changes))}; not tried at all: {', '.join(missing)}")
    # For the demo's checks of the counters, and beside whatever has the usual ports.
    changes.setdefault("envoy", {})["ports"] = ["127.0.0.1::9902"]
    (folder / "override.json").write_text(images.override(changes))
    return all([alone(folder, missing), with_env(folder, missing)])


class Composed:
    """The services as they run: a front door that the demo can check."""

    def __init__(self, folder, missing):
        self.folder, self.missing, self.ports = folder, missing, {}

    def compose(self, *arguments, **options):
        name = ["--project-name", f"origin-gate-check-{os.getpid()}", "--env-file", str(self.folder / ".env")]
        return docker("compose", "--ansi", "never", *name, *arguments, cwd=demo.FILES, env=surroundings(), **options)

    def read(self, *arguments):
        return must(self.compose(*arguments, capture_output=True), f"docker compose {' '.join(arguments)}")

    def log(self):
        return self.read("logs", "--no-color", "--no-log-prefix", "envoy")

    def up(self, settings):
        """As `.env` says. Compose itself waits until all are healthy."""
        free = "WEB_PORT=\nPROMETHEUS_PORT=\nGRAFANA_PORT=\n"
        settings = re.sub("^COMPOSE_FILE=.*", rf"\g<0>:{self.folder}/override.json", settings, flags=re.MULTILINE)
        (self.folder / ".env").write_text(settings + free)
        names = [it for it in self.read("config", "--services").split() if it not in self.missing]
        done = self.compose(
            "up", "--build", "--wait", "--wait-timeout", "300", *names, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            raise Failure(f"docker compose up failed:\n{done.stdout}{self.read('ps', '--all')}{self.read('logs', '--tail', '30')}")
        for name, port in (("web", "10000"), ("stats", "9902")):
            self.ports[name] = int(self.read("port", "envoy", port).rpartition(":")[2])

    def are_confined(self):
        """Tells how each runs, from the engine's own account of it."""
        found = json.loads(must(docker("inspect", *self.read("ps", "--quiet").split(), capture_output=True), "docker inspect"))
        print("\nHow they run")
        return all([tell(it) for it in found])


def tell(container):
    host, config = container["HostConfig"], container["Config"]
    facts = {
        "health": container["State"].get("Health", {}).get("Status"),
        "user": config["User"],
        "read-only": host["ReadonlyRootfs"],
        "cap_drop": ",".join(host["CapDrop"] or []),
        "security": ",".join(host["SecurityOpt"] or []),
        "writable mounts": ",".join(it["Destination"] for it in container["Mounts"] if it["RW"] and it["Type"] == "bind"),
    }
    wanted = {
        "health": "healthy",
        "read-only": True,
        "cap_drop": "ALL",
        "security": "no-new-privileges:true",
        "writable mounts": "",
    }
    is_good = facts["user"] not in ("", "root", "0") and facts.items() >= wanted.items()
    name = config["Labels"]["com.docker.compose.service"]
    return mark(is_good, f"{name} ({config['Image']}): " + "  ".join(f"{key}={value}" for key, value in facts.items()))


def mark(is_good, text):
    print("✓" if is_good else "✗", text, flush=True)
    return is_good


@contextlib.contextmanager
def services(folder, missing, title, settings):
    print(f"\n=== {title}", flush=True)
    composed = Composed(folder, missing)
    try:
        composed.up(settings)
        yield composed
    finally:
        composed.compose("down", "--volumes", "--remove-orphans", "--rmi", "local", capture_output=True)


def alone(folder, missing):
    """Nothing set: the policy of envoy.yaml; and Prometheus beside it."""
    settings = "COMPOSE_FILE=docker-compose.yaml\nCOMPOSE_PROFILES=monitoring\n"
    with services(folder, missing, "docker compose --profile monitoring up", settings) as composed:
        results = [demo.Checks(composed).run(), composed.are_confined()]
        query = ["exec", "--no-TTY", "prometheus", "promtool", "query", "instant", "http://127.0.0.1:9090", 'up{job="envoy"}']
        found = until(lambda: composed.read(*query), "=> 1 @")
        return all([*results, mark("=> 1 @" in found, f"Prometheus reads Envoy: {found.strip()}")])


def with_env(folder, missing):
    """`.env.example` with all that it offers; then a change to it."""
    example = (demo.FILES / ".env.example").read_text()
    settings = re.sub(r"^#(?=[A-Z_]+=.)", "", example, flags=re.MULTILINE)
    with services(folder, missing, "docker compose up, with .env.example as .env, PostgreSQL and Redis", settings) as composed:
        line = next((it for it in composed.log().splitlines() if "from_environment=" in it), "")
        results = [
            demo.Checks(composed).run(),
            composed.are_confined(),
            mark("from_environment=CORS_ALLOWED_ORIGINS" in line, f"Envoy's log: {line.partition('wasm log ')[2]}"),
        ]
        count = ["psql", "--username", "shop", "--tuples-only", "--no-align", "--command", "SELECT count(*) FROM django_session"]
        sessions = composed.read("exec", "--no-TTY", "postgres", *count).strip()
        results.append(mark(sessions not in ("", "0"), f"sessions in PostgreSQL: {sessions}"))
        joined = re.search(
            "cmdstat_zadd:calls=[0-9]+", composed.read("exec", "--no-TTY", "redis", "redis-cli", "info", "commandstats")
        )
        results.append(mark(joined is not None, f"rooms joined in Redis: {joined and joined[0]}"))
        composed.up(settings.replace(demo.APP, NEW))
        return all([*results, *(follows(composed, *it) for it in ((NEW, 204, 201), (demo.APP, 403, 403)))])


def follows(composed, origin, preflight, form):
    """What the filter answers a page's preflight, and Django its form."""
    page = {"Host": demo.API, "Origin": origin}
    asked = ask(composed.ports["web"], "OPTIONS", "/api/questions/", {**page, "Access-Control-Request-Method": "POST"})
    token = "x" * 32
    send = {**page, "Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={token}", "X-CSRFToken": token}
    sent = ask(composed.ports["web"], "POST", "/api/questions/", send, b"question=tea")
    found = (asked.status, sent.status)
    return mark(found == (preflight, form), f"after a change of .env, {origin}: the filter {found[0]}, Django {found[1]}")


def until(read, text):
    """What is read once it has this, or at last."""
    for _ in range(60):
        if text in (found := read()):
            break
    return found


if __name__ == "__main__":
    sys.exit(main())
