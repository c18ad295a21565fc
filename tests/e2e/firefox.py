"""Real Firefox, over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): as much of it as a page's requests need."""

import contextlib
import itertools
import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from websockets.sync.client import connect

from peers import PATIENCE


def find():
    """Where Firefox is; `None` if it is not installed."""
    return next(filter(None, map(shutil.which, ["firefox-esr", "firefox"])), None)


@contextlib.contextmanager
def firefox(ports):
    """One that finds each of these names on a port of this machine, at no other port than 443 as far as its pages know, and
    takes any certificate."""
    with tempfile.TemporaryDirectory(prefix="origin-gate-", ignore_cleanup_errors=True) as folder, tunnels(ports) as tunnel:
        call = [find(), "--headless", "--no-remote", "--profile", folder, "--remote-debugging-port", "0"]
        with subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            try:
                with connect(listening(process) + "/session", max_size=None) as connection:
                    yield Firefox(connection, tunnel)
            finally:
                process.kill()


def listening(process):
    """The address that Firefox prints; what it prints afterwards is read so that it never waits."""
    for line in process.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError("Firefox ended")


@contextlib.contextmanager
def tunnels(ports):
    """The port of a proxy that takes `CONNECT` alone, and to these names alone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server, ports), daemon=True).start()
        yield server.getsockname()[1]


def accept(server, ports):
    with contextlib.suppress(OSError):
        while True:
            threading.Thread(target=tunnel, args=(server.accept()[0], ports), daemon=True).start()


def tunnel(client, ports):
    with client, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := client.recv(4096)):
                return
            head += more
        asked = re.match(rb"CONNECT ([^ :]+):443 ", head)
        if not asked or asked[1].decode() not in ports:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", ports[asked[1].decode()])) as site:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=copy, args=(client, site), daemon=True).start()
            copy(site, client)


def copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Firefox:
    def __init__(self, connection, tunnel):
        self.connection, self.ids = connection, itertools.count(1)
        proxy = {"proxyType": "manual", "sslProxy": f"127.0.0.1:{tunnel}"}
        self.call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True, "proxy": proxy}})

    def call(self, method, **parameters):
        number = next(self.ids)
        self.connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self.connection.recv(timeout=PATIENCE))).get("id") != number:
            pass
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return answer["result"]

    @contextlib.contextmanager
    def visit(self, url):
        """A page in a profile of its own."""
        profile = self.call("browser.createUserContext")["userContext"]
        page = Page(self, self.call("browsingContext.create", type="tab", userContext=profile)["context"])
        self.call("browsingContext.navigate", context=page.context, url=url, wait="complete")
        yield page
        self.call("browser.removeUserContext", userContext=profile)


class Page:
    """As much of Playwright's as the tests use."""

    def __init__(self, browser, context):
        self.browser, self.context = browser, context

    def evaluate(self, script, argument=None):
        function = script if "=>" in script.splitlines()[0] else f"() => ({script})"
        told = self.browser.call(
            "script.callFunction",
            functionDeclaration=f"async (told) => JSON.stringify(await ({function})(JSON.parse(told)) ?? null)",
            arguments=[{"type": "string", "value": json.dumps(argument)}],
            target={"context": self.context},
            awaitPromise=True,
        )
        assert told["type"] == "success", told
        return json.loads(told["result"]["value"])

    def wait_for_url(self, url):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            # A page that goes away takes its scripts with it.
            with contextlib.suppress(RuntimeError, AssertionError):
                if self.evaluate("document.readyState === 'complete' && location.href") == url:
                    return
            time.sleep(0.02)
        raise AssertionError(f"it did not come to {url}")

    def inner_text(self, selector):
        return self.evaluate("(it) => document.querySelector(it).innerText", selector)

    @property
    def frames(self):
        tree = self.browser.call("browsingContext.getTree", root=self.context)["contexts"][0]
        return [self, *(Page(self.browser, it["context"]) for it in tree["children"])]
