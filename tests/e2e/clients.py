"""Traffic whose every answer is checked, as fast as one process can, and what the filter's counters must say of it.

A request is right if it is answered as one of the policies says that were in force while it was on its way.
"""

import collections
import contextlib
import itertools
import json
import multiprocessing
import random
import selectors
import threading
import time

import peers
import traffic


class Line:
    """A connection with one request at a time: Envoy leaves unanswered what is pipelined behind a reply of its own."""

    def __init__(self, port):
        self.stream, self.data, self.name, self.policies = peers.connect(port, None, []), b"", None, None

    def send(self, name, policies):
        self.name, self.policies = name, policies
        self.stream.sendall(traffic.KINDS[name].wire)


class Generator:
    """Keeps every connection busy, or sends `rate` requests a second in all if that is given."""

    def __init__(self, port, lines, rate, seed):
        weights = [it.weight for it in traffic.KINDS.values()]
        # A deck that is gone through again and again costs less than a choice each time.
        self.deck = itertools.cycle(random.Random(seed).choices(list(traffic.KINDS), weights, k=65536))
        self.port, self.pause, self.next_at = port, 1 / rate if rate else 0, time.monotonic()
        self.policies, self.heads = frozenset(["old"]), {}
        self.counts, self.wrong = collections.Counter(), []
        self.selector = selectors.DefaultSelector()
        self.idle, self.lines = collections.deque(), set()
        for _ in range(lines):
            self.open()

    def open(self):
        line = Line(self.port)
        self.lines.add(line)
        self.idle.append(line)
        self.selector.register(line.stream, selectors.EVENT_READ, line)

    def close(self, line):
        self.selector.unregister(line.stream)
        line.stream.close()
        self.lines.remove(line)
        if line in self.idle:
            self.idle.remove(line)

    def accept(self, policies):
        """Policies that may be in force from now on. What is on its way may have met those of before, too."""
        self.policies = frozenset(policies)
        for line in self.lines:
            if line.name:
                line.policies |= self.policies

    def turn(self):
        while self.idle and (not self.pause or time.monotonic() >= self.next_at):
            # What could not be sent for a while is not made up for in one heap.
            self.next_at = max(self.next_at + self.pause, time.monotonic() - 0.1)
            self.idle.popleft().send(next(self.deck), self.policies)
        self.listen(max(0, self.next_at - time.monotonic()) if self.idle else 0.1)

    def drain(self):
        """Until nothing is on its way."""
        end = time.monotonic() + peers.PATIENCE
        while len(self.idle) < len(self.lines):
            if time.monotonic() > end:
                self.wrong.append(f"unanswered: {[it.name for it in self.lines if it.name]}")
                return
            self.listen(0.1)

    def listen(self, patience):
        for key, _ in self.selector.select(patience):
            self.read(key.data)

    def read(self, line):
        try:
            data = line.stream.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.counts["closed"] += 1
            if line.name:
                self.wrong.append(f"closed under {line.name}, after {line.data}")
            self.close(line)
            return self.open()
        line.data += data
        head, end, body = line.data.partition(b"\r\n\r\n")
        if not end:
            return
        status, cors, length, is_problem, is_last = self.heads.get(head) or self.learn(head)
        if len(body) < length:
            return
        if len(body) > length:
            self.wrong.append(f"more than was asked for by {line.name}: {line.data}")
        title = json.loads(body)["title"] if is_problem else None
        self.check(line.name, (status, cors, title), line.policies)
        line.data, line.name = b"", None
        if is_last:
            self.counts["closed"] += 1
            self.close(line)
            return self.open()
        self.idle.append(line)

    def learn(self, head):
        """Heads are much the same for a second: each is read once."""
        if len(self.heads) > 1000:
            self.heads.clear()
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value) for name, value in (it.split(": ", 1) for it in lines)]
        answer = peers.Answer(int(start.split()[1]), headers)
        cors, is_problem = frozenset(answer.cors().items()), answer.value("content-type") == "application/problem+json"
        is_last, length = answer.value("connection") == "close", int(answer.value("content-length") or 0)
        self.heads[head] = answer.status, cors, length, is_problem, is_last
        return self.heads[head]

    def check(self, name, told, policies):
        right = traffic.KINDS[name].right
        for policy in policies:
            if right[policy].told == told:
                self.counts[right[policy].finding] += 1
                return
        self.wrong.append(f"{name} under {sorted(policies)}: {told[0]} {dict(told[1])} {told[2]}")


def serve(pipe, port, core, options):
    """In a process of its own, until it is told to stop."""
    if core is not None:
        peers.stay_on(core)
    generator = Generator(port, **options)
    pipe.send("ready")
    while True:
        while pipe.poll():
            command, *arguments = pipe.recv()
            if command == "accept":
                generator.accept(*arguments)
            else:
                generator.drain()
            pipe.send((dict(generator.counts), generator.wrong[:20]))
            if command == "stop":
                return
        generator.turn()


class Load:
    """Such a process, from the outside."""

    def __init__(self, port, lines=32, rate=None, seed=1, core=None):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        options = {"lines": lines, "rate": rate, "seed": seed}
        self.process = context.Process(target=serve, args=(other, port, core, options), daemon=True)
        self.process.start()
        other.close()
        self.pipe.recv()
        self.began = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    def do(self, *command):
        self.pipe.send(command)
        counts, wrong = self.pipe.recv()
        assert not wrong, "\n".join(wrong)
        return counts

    def accept(self, *policies):
        """From now on answers of these are right."""
        return self.do("accept", policies)

    def stop(self):
        """All that was sent has been answered, and rightly: how often each finding, and the requests a second."""
        counts = self.do("stop")
        self.seconds = time.monotonic() - self.began
        self.closed = counts.pop("closed", 0)
        self.requests = sum(counts.values())
        return collections.Counter(counts)


class Sockets:
    """WebSockets in a thread; what goes wrong is raised by `stop`."""

    def __init__(self, port):
        self.port, self.counts, self.error, self.is_over = port, collections.Counter(), None, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.talk()
        except Exception as error:  # for the thread that asks
            self.error = error

    def stop(self):
        self.is_over.set()
        self.thread.join(peers.PATIENCE)
        if self.error:
            raise self.error
        return self.counts

    def open(self, kind, origin, status):
        """Counted, and held to its status."""
        exchange = kind(self.port)
        head = exchange.start("GET", "/socket/", [("Origin", origin)], websocket=True).head()
        self.counts["websocket:allowed:listed" if origin == traffic.APP else "websocket:rejected:origin_not_allowed"] += 1
        assert head.status == status, f"a {kind.VERSION} socket for {origin}: {head.status}"
        return exchange

    def echo(self, frames, text):
        frames.say(text)
        heard = frames.hear()
        assert heard == text, f"{heard} for {text}"
        self.counts["echoes"] += 1


class Kept(Sockets):
    """Open all the while, over each kind of HTTP that the proxy takes them over."""

    def __init__(self, port, kinds=(peers.Http1, peers.Http2)):
        self.kinds = kinds
        super().__init__(port)

    def talk(self):
        with contextlib.ExitStack() as stack:
            kinds = [self.kinds[number % len(self.kinds)] for number in range(8)]
            opened = [stack.enter_context(self.open(it, traffic.APP, 101 if it is peers.Http1 else 200)) for it in kinds]
            all_frames = [peers.Frames(it) for it in opened]
            for frames in all_frames:
                frames.hear()
            for number in iter(int, 1):
                for frames in all_frames:
                    self.echo(frames, f"text {number}")
                if self.is_over.wait(0.02):
                    break
            for frames in all_frames:
                frames.close()


class Passing(Sockets):
    """Opening, closing and refused, one after the other."""

    def talk(self):
        while not self.is_over.is_set():
            for kind in peers.BOTH:
                with self.open(kind, traffic.EVIL, 403) as exchange:
                    assert b'"reason":"origin_not_allowed"' in exchange.data()
                with self.open(kind, traffic.APP, 101 if kind is peers.Http1 else 200) as exchange:
                    frames = peers.Frames(exchange)
                    frames.hear()
                    self.echo(frames, "a text")
                    frames.close()
                self.counts["sockets"] += 1


def sent(*parts):
    """What it must have counted: findings alone, of all parts."""
    found = collections.Counter()
    for part in parts:
        found.update({name: value for name, value in part.items() if name.count(":") == 2})
    return found
