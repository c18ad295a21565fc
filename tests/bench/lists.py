"""One more customer's domain: a list of 100,000 origins gets one more, again and again, under load. `./build.sh lists` prints it.

Each change is a file that is moved, as `envoy/hot-reload/` has it. Every answer is checked: the newest origin may be refused until
its policy is in force, which must be soon, and never after; all others are answered as ever.
"""

import argparse
import collections
import contextlib
import itertools
import json
import multiprocessing
import pathlib
import re
import selectors
import socket
import subprocess
import sys
import time

import load
from harness import Failure, perform
from hot_reload import HotReload

HERE = pathlib.Path(__file__).parent
RATE, LANES = 1_000, 32
WORKERS = 2
SOON = 2.0  # seconds from the file's move
AROUND = 2.0  # seconds after it in which other requests feel it
API, FOREIGN = "api.example", "https://evil.example"
FORMS = ("text", "compiled", "inline")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--envoy", required=True, type=pathlib.Path)
    parser.add_argument("--module", required=True, type=pathlib.Path)
    parser.add_argument("--command", required=True, type=pathlib.Path)
    parser.add_argument("changes", nargs="?", type=int, default=100)
    parser.add_argument("--origins", type=int, default=100_000)
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    options = parser.parse_args()
    return perform(lambda stage: show(stage, options))


def show(stage, options):
    print("| form | file | load, a VM | VM | in force after | requests | wrong | p50 | p99 | p99 in a change | worst |")
    print("|---" * 11 + "|")
    failed = 0
    for form in options.forms:
        row, wrong = measure(stage, options, form)
        print(f"| {' | '.join(row)} |", flush=True)
        for it in wrong:
            failed += 1
            print(f"  {form}: {it}")
    print(f"\n{options.changes} changes of {options.origins:,} origins at {RATE:,} requests a second, {WORKERS} workers.")
    return 1 if failed else 0


class Policies:
    """The policy after so many changes, in a form."""

    def __init__(self, options, form):
        self.command, self.form = options.command, form
        self.origins = [f"https://shop-{it}.tenant-{it % 977}.example" for it in range(options.origins)]

    def after(self, changes):
        origins = [*self.origins, *map(newest, range(1, changes + 1))]
        policy = json.dumps({"allowed_origins": origins, "allowed_hosts": [API], "cors": {"allow_credentials": True}})
        if self.form == "text":
            return policy
        flags = ["--inline"] if self.form == "inline" else []
        found = subprocess.run([self.command, "compile", "-", *flags], input=policy.encode(), capture_output=True, check=True)
        return found.stdout.decode() if self.form == "inline" else found.stdout


class Json(HotReload):
    """Envoy reads JSON sooner than YAML: see `docs/compiled.md`."""

    file = "origin_gate.json"


def newest(change):
    return f"https://customer-{change}.shop.example"


def measure(stage, options, form):
    """A row of the table, and what was wrong."""
    policies = Policies(options, form)
    listener = socket.create_server(("127.0.0.1", 0))
    command = [sys.executable, HERE / "cheap_backend.py", str(listener.fileno())]
    stage.start(f"lists-backend-{form}", command, pass_fds=[listener.fileno()])
    first = policies.after(0)
    hot = Json(
        stage, options.envoy, listener.getsockname()[1], options.module.resolve(), f"lists-{form}", first, concurrency=WORKERS
    )
    with contextlib.closing(Load(hot.web, policies.origins[-1])) as running:
        time.sleep(AROUND)
        for change in range(1, options.changes + 1):
            policy = policies.after(change)
            running.say(("next", newest(change)))
            hot.put(policy)
            running.say(("moved", time.monotonic()))
            # The whole of what a change does to others, and a pause.
            time.sleep(SOON + AROUND / 2)
        told = running.stop()
    found = re.findall(r"Origin Gate policy loaded .* load_ms=(\d+) memory_kib=(\d+)", hot.envoy.log())
    if len(found) <= options.changes:
        lines = [it for it in hot.envoy.log().splitlines() if not it.startswith("{")]
        raise Failure("\n".join([f"{len(found)} policies were loaded", *lines[-20:]]))
    loads = sorted(int(it[0]) for it in found[1:])
    hot.envoy.process.terminate()
    hot.envoy.process.wait()
    quiet, busy = sorted(told["quiet"]), sorted(told["busy"])
    size = len(first.encode() if isinstance(first, str) else first)
    row = [
        form,
        f"{size / 1024:,.0f} KiB",
        f"{loads[len(loads) // 2]} ms (at most {loads[-1]})",
        f"{max(int(it[1]) for it in found) / 1024:.1f} MiB",
        f"{max(told['delays']):.2f} s at most",
        f"{len(quiet) + len(busy):,}",
        f"{told['wrongs']}",
        *(f"{share * 1000:.1f} ms" for share in (at(quiet, 0.5), at(quiet, 0.99), at(busy, 0.99), busy[-1])),
    ]
    wrong = told.get("wrong", [])
    if len(told["delays"]) < options.changes or max(told["delays"]) > SOON:
        wrong.append(f"{len(told['delays'])} of {options.changes} changes in force, after up to {max(told['delays']):.2f} s")
    return row, wrong


def at(values, share):
    return values[min(int(len(values) * share), len(values) - 1)] if values else 0.0


class Load:
    """A process that sends requests and checks the answers."""

    def __init__(self, port, listed):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, port, listed), daemon=True)
        self.process.start()

    def say(self, message):
        self.pipe.send(message)

    def stop(self):
        self.pipe.send(("stop", None))
        return self.pipe.recv()

    def close(self):
        self.process.terminate()
        self.process.join()


def request(origin):
    lines = ["GET /api/x HTTP/1.1", f"Host: {API}", *([f"Origin: {origin}"] if origin else [])]
    return "\r\n".join([*lines, "", ""]).encode()


def serve(pipe, port, listed):
    Sender(pipe, port, listed).run()


class Sender:
    """Paces requests over connections that stay open, one at a time on each."""

    def __init__(self, pipe, port, listed):
        self.pipe, self.port = pipe, port
        self.kinds = itertools.cycle(["listed", "newest", "foreign", "none", "listed", "newest"])
        self.origins = {"listed": listed, "foreign": FOREIGN, "none": None, "newest": FOREIGN}
        self.moved, self.delay = None, None
        self.told = collections.defaultdict(list, wrongs=0)
        self.selector, self.idle = selectors.DefaultSelector(), collections.deque()
        for _ in range(LANES):
            self.open()

    def open(self):
        lane = load.open_lane(self.port)
        self.selector.register(lane, selectors.EVENT_READ, [lane, b"", None])
        self.idle.append(lane)

    def run(self):
        due = time.monotonic()
        while True:
            while self.pipe.poll():
                command, value = self.pipe.recv()
                if command == "stop":
                    self.settle()
                    return self.pipe.send(dict(self.told))
                if command == "next":
                    self.settle()
                    self.origins["newest"], self.moved, self.delay = value, None, None
                else:
                    self.moved = value
            now = time.monotonic()
            while self.idle and due <= now:
                due = max(due + 1 / RATE, now - 0.1)
                lane = self.idle.popleft()
                kind = next(self.kinds)
                origin = self.origins[kind]
                key = self.selector.get_key(lane).data
                key[1], key[2] = b"", (kind, origin, time.monotonic())
                lane.sendall(request(origin))
            for key, _ in self.selector.select(max(0, min(due - time.monotonic(), 0.05)) if self.idle else 0.05):
                self.read(key.data)

    def settle(self):
        """A change is over: the newest origin was allowed from some moment on."""
        if self.moved is not None and self.delay is not None:
            self.told["delays"].append(self.delay)

    def read(self, data):
        lane, held, sent = data
        found = lane.recv(1 << 16)
        if not found:
            self.wrong(f"closed under {sent}")
            self.selector.unregister(lane)
            lane.close()
            return self.open()
        data[1] = held + found
        head, end, body = data[1].partition(b"\r\n\r\n")
        if not end or len(body) < int(re.search(rb"content-length: (\d+)", head)[1]):
            return None
        self.idle.append(lane)
        now = time.monotonic()
        kind, origin, start = sent
        is_busy = self.moved is not None and start < self.moved + AROUND
        self.told["busy" if is_busy else "quiet"].append(now - start)
        granted = re.search(rb"access-control-allow-origin: ([^\r\n]*)", head)
        granted = granted and granted[1].decode()
        return self.check(kind, origin, start, now, head.startswith(b"HTTP/1.1 200"), granted)

    def check(self, kind, origin, start, now, is_ok, granted):
        right = {"listed": origin, "foreign": None, "none": None}.get(kind, granted)
        if not is_ok or granted != right or granted not in (None, origin):
            return self.wrong(f"{kind} {origin}: {granted}")
        if kind != "newest" or origin != self.origins["newest"] or origin == FOREIGN:
            return None
        if self.moved is None:
            return granted and self.wrong(f"{origin} is allowed before it is listed") if start + 0.05 < now else None
        if granted:
            self.delay = self.delay or now - self.moved
        else:
            # A worker still has the old policy: in force is what all have.
            self.delay = None if now - self.moved > SOON else max(self.delay or 0, now - self.moved)
            if now - self.moved > SOON:
                self.wrong(f"{origin} is refused {now - self.moved:.2f} s after it was listed")
        return None

    def wrong(self, what):
        self.told["wrongs"] += 1
        if len(self.told["wrong"]) < 20:
            self.told["wrong"].append(what)


if __name__ == "__main__":
    sys.exit(main())
