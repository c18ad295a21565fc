"""Batches of requests on raw sockets, and the CPU time that a process spends on them."""

import contextlib
import os
import socket
import time

from workloads import PAYLOAD

ROOM = 1 << 16


class Wrong(Exception):
    """An answer that is not the one expected."""


def open_lane(port):
    stream = socket.create_connection(("127.0.0.1", port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.settimeout(30)
    return stream


def read_answer(stream):
    """The status, the headers by lower-case name, and what the answer ends with."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(stream)
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if ": " in line)}
    while len(body) < int(headers.get("content-length", 0)):
        body += receive(stream)
    return int(status.split()[1]), headers, body or b"\r\n\r\n"


def receive(stream):
    if data := stream.recv(ROOM):
        return data
    raise Wrong("the connection was closed")


def probe(port, kind):
    """One of its requests: the status and the headers of the answer; for what is sent after a handshake, that one's."""
    with open_lane(port) as stream:
        stream.sendall(kind.opening or kind.request)
        return read_answer(stream)[:2]


class Batch:
    """A kind of request on its connections, which stay open."""

    def __init__(self, port, kind):
        self.port, self.kind = port, kind
        self.lanes = [] if kind.is_fresh else [open_lane(port) for _ in range(kind.lanes)]
        self.start, self.end = b"HTTP/1.1 101", b"\r\n\r\n"
        for lane in self.lanes:
            lane.sendall(kind.opening or kind.request)
            status, _, self.end = read_answer(lane)
            self.start = f"HTTP/1.1 {status}".encode()

    def run(self):
        """So many waves: one request on each connection, then one answer from each."""
        for _ in range(self.kind.count // self.kind.lanes):
            if self.kind.is_fresh:
                with contextlib.ExitStack() as stack:
                    self.wave([stack.enter_context(open_lane(self.port)) for _ in range(self.kind.lanes)])
            else:
                self.wave(self.lanes)

    def wave(self, lanes):
        for lane in lanes:
            lane.sendall(self.kind.request)
        read = self.read_echo if self.kind.opening else self.read_answer
        for lane in lanes:
            read(lane)

    def read_answer(self, lane):
        data = receive(lane)
        while not data.endswith(self.end):
            data += receive(lane)
        if not data.startswith(self.start):
            raise Wrong(f"{self.kind.title}: {data[:200]!r} and not {self.start!r}")

    def read_echo(self, lane):
        """The payload, however it is cut into chunks: nothing else has its letter."""
        missing = self.kind.request.count(PAYLOAD)
        while missing > 0:
            missing -= receive(lane).count(PAYLOAD)

    @property
    def sent(self):
        """How many a run sends."""
        return self.kind.count // self.kind.lanes * self.kind.lanes

    def close(self):
        for lane in self.lanes:
            lane.close()


def cpu(pid):
    """Seconds of CPU time of all threads of a process, to the nanosecond (the clock that clock_getcpuclockid(3) names)."""
    cpuclock_sched = 2
    return time.clock_gettime(~pid << 3 | cpuclock_sched)


def settled(pid):
    """The same, once the process has nothing more to do."""
    now = cpu(pid)
    for _ in range(100):
        time.sleep(0.001)
        before, now = now, cpu(pid)
        if now == before:
            break
    return now


def measure(batch, pid):
    """Of one run: the microseconds of the process, and of the clock on the wall, for each that was sent."""
    before, started = settled(pid), time.perf_counter()
    batch.run()
    wall = time.perf_counter() - started
    spent = settled(pid) - before
    return spent / batch.sent * 1e6, wall / batch.sent * 1e6


@contextlib.contextmanager
def on_core(core):
    """What this process starts meanwhile stays on that core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
