"""Processes to try things on: the demo shop, Envoy, and whatever else a test puts beside them."""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

SHOP = pathlib.Path(__file__).resolve().parent / "shop"
CART = "/api/billing/carts/current/"
TOKEN = "demo-token"
PATIENCE = 60  # seconds for something to start
# What the shop or Envoy may read. Those on a stage read what they are told, not what the terminal happens to hold.
SETTINGS = ["ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "DEBUG", "REDIS_URL", "SECRET_KEY"]
KEEPERS = []  # of the free ports
SERVERS = {"uvicorn": ["-m", "uvicorn", "--no-access-log"], "daphne": ["-m", "daphne"]}


class Failure(Exception):
    """Something that cannot go on; the message is for the person at the terminal."""


class Stage:
    """A folder, and the processes that were started in it; all gone once the `with` block is left."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="origin-gate-"))
        self.processes = []
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, **options):
        """A process that ends when this one does, however this one ends. What it prints is in `self.log(name)`."""
        pr_set_pdeathsig = 1

        def die_with_parent():
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)

        with self.log_file(name).open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent, **options
            )
        self.processes.append(process)
        return process

    def log_file(self, name):
        return self.folder / f"{name}.log"

    def log(self, name):
        return self.log_file(name).read_text(errors="replace")

    def wait_for(self, probe, name, process):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if process.poll() is not None:
                raise Failure(f"{name} ended with code {process.returncode}:\n{self.log(name)}")
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                if found := probe():
                    return found
            time.sleep(0.05)
        raise Failure(f"{name} did not start within {PATIENCE} seconds:\n{self.log(name)}")

    def shop(self, server="uvicorn", name=None, application="shop.asgi:application", **environment):
        """The demo shop on one of the two servers; its port."""
        name = name or f"shop-{server}-{len(self.processes)}"
        database = str(self.folder / f"{name}.sqlite3")
        environment = surroundings(SHOP_DATABASE=database, PYTHONDONTWRITEBYTECODE="1", **environment)
        for command in (["migrate", "--verbosity", "0"], ["demo_buyer", TOKEN]):
            done = subprocess.run(
                [sys.executable, "manage.py", *command], cwd=SHOP, env=environment, capture_output=True, text=True
            )
            if done.returncode:
                raise Failure(f"manage.py {command[0]} failed:\n{done.stdout}{done.stderr}")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            descriptor, port = listener.fileno(), listener.getsockname()[1]
            command = [sys.executable, *SERVERS[server], "--fd", str(descriptor), application]
            process = self.start(name, command, cwd=SHOP, env=environment, pass_fds=[descriptor])
            # 400: it takes other hosts only.
            self.wait_for(lambda: ask(port, "GET", CART).status in (200, 400), name, process)
        return port

    def envoy(self, binary, config, name="envoy", log_level="info", concurrency=2, arguments=(), **environment):
        """Envoy with a configuration; `log_level` is that of its components for filters."""
        (self.folder / f"{name}.json").write_text(json.dumps(config, indent=2))
        admin_file = self.folder / f"{name}.admin"
        if admin_file.exists():
            raise Failure(f"there is an Envoy named {name} already")
        process = self.start(
            name,
            [binary, "--config-path", self.folder / f"{name}.json", "--admin-address-path", admin_file]
            + ["--use-dynamic-base-id", "--concurrency", str(concurrency), "--file-flush-interval-msec", "10"]
            + ["--log-level", "warning", "--component-log-level", f"wasm:{log_level},dynamic_modules:{log_level}", *arguments],
            env=surroundings(**environment),
        )

        def admin_port():
            port = int(admin_file.read_text().rpartition(":")[2])
            return port if ask(port, "GET", "/ready").body == "LIVE\n" else None

        return Envoy(self, name, process, self.wait_for(admin_port, name, process))


def perform(play):
    """A program on a stage: its exit code. However it ends, nothing that it started is left."""
    # The default action would skip the clean-up.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        with Stage() as stage:
            return play(stage)
    except KeyboardInterrupt:
        return 130
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1


def surroundings(**environment):
    return {**{name: value for name, value in os.environ.items() if name not in SETTINGS}, **environment}


class Envoy:
    """A running Envoy: the port of its admin page, and those of its listeners by name."""

    def __init__(self, stage, name, process, admin):
        self.stage, self.name, self.process, self.admin = stage, name, process, admin
        self.ports = self.listening()

    def listening(self):
        """The ports of the listeners that there are now."""
        listeners = json.loads(ask(self.admin, "GET", "/listeners?format=json").body).get("listener_statuses", [])
        return {it["name"]: it["local_address"]["socket_address"]["port_value"] for it in listeners}

    def log(self):
        return self.stage.log(self.name)

    def counted(self, prefix):
        """What the filter has counted under names that begin so."""
        wait_for_a_tick()
        return self.stats(prefix)

    def stats(self, prefix):
        """The counters and gauges whose names begin so."""
        wanted = urllib.parse.quote("^" + re.escape(prefix))
        lines = ask(self.admin, "GET", f"/stats?filter={wanted}").body.splitlines()
        pairs = (line.rsplit(": ", 1) for line in lines)
        return {name: int(value) for name, value in pairs if value.isdigit()}


def wait_for_a_tick():
    """The module writes what it has counted four times a second."""
    time.sleep(0.5)


def metrics(port):
    """Envoy's answer to Prometheus, with the native twin's names as `../monitoring/prometheus.yaml` has them."""
    answer = ask(port, "GET", "/stats/prometheus")
    answer.body = answer.body.replace("envoy_dynamicmodulescustom_origin_gate_", "origin_gate_")
    return answer


def free_port():
    """A port for what must know it beforehand. It is kept while this process lives: the system gives it to nobody else,
    even between two servers on it, and each server that sets `SO_REUSEADDR`, as they do, may listen on it."""
    keeper = socket.socket()
    KEEPERS.append(keeper)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    return keeper.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def ask(port, method, path, headers=None, body=None):
    """One request over HTTP/1.1; header lines of one name come joined."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in (headers or {"Host": "localhost"}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        received = {}
        for name, value in response.getheaders():
            received[name.lower()] = f"{received[name.lower()]}, {value}" if name.lower() in received else value
        return Answer(response.status, received, text)
    finally:
        connection.close()
