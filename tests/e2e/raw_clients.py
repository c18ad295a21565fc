"""Clients that send whatever they are told to, also what no client would."""

import contextlib

import h2.config
import h2.connection
import h2.events
import h2.exceptions

import attacks
import peers
from attacks import HOST


class Wire:
    """Bytes to a server, and the answers that come back over the same connection."""

    def __init__(self, port):
        self.stream, self.data = peers.connect(port, None, []), b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.stream.sendall(data)

    def answer(self):
        """The next one; `None` if the connection ends instead."""
        while b"\r\n\r\n" not in self.data:
            if not self.more():
                return None
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value.strip()) for name, value in (it.split(":", 1) for it in lines)]
        found = peers.Answer(int(start.split()[1]), headers)
        length = int(found.value("content-length") or 0)
        while len(self.data) < length:
            assert self.more(), f"it ended within a body: {head}"
        found.body, self.data = self.data[:length], self.data[length:]
        return found

    def more(self):
        try:
            data = self.stream.recv(65536)
        except ConnectionResetError:
            return False
        self.data += data
        return bool(data)


class Streams:
    """One HTTP/2 connection, for as long as the server keeps it."""

    def __init__(self, port):
        self.port, self.stream = port, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    def open(self):
        self.stream = peers.connect(self.port, None, [])
        options = {"validate_outbound_headers": False, "normalize_outbound_headers": False, "header_encoding": None}
        self.wire = h2.connection.H2Connection(h2.config.H2Configuration(**options))
        self.wire.initiate_connection()

    def ask(self, headers, body=None):
        """`None` if the stream, or the connection with it, is ended."""
        if not self.stream:
            self.open()
        number = self.wire.get_next_available_stream_id()
        is_open = any(name == ":protocol" for name, _ in headers) or body is not None
        self.wire.send_headers(number, [(as_bytes(name), as_bytes(value)) for name, value in headers], end_stream=not is_open)
        if body is not None:
            self.wire.send_data(number, body, end_stream=True)
        self.stream.sendall(self.wire.data_to_send())
        return self.receive(number)

    def receive(self, number):
        found = None
        while True:
            try:
                data = self.stream.recv(65536)
            except ConnectionResetError:
                data = b""
            try:
                events = self.wire.receive_data(data) if data else [h2.events.ConnectionTerminated()]
            except h2.exceptions.ProtocolError:
                # The library takes nothing after a GOAWAY.
                events = [h2.events.ConnectionTerminated()]
            for event in events:
                if isinstance(event, h2.events.ConnectionTerminated):
                    self.close()
                    return None
                if getattr(event, "stream_id", None) != number:
                    continue
                if isinstance(event, h2.events.ResponseReceived):
                    status, *rest = peers.text_of(event.headers)
                    found = peers.Answer(int(status[1]), rest)
                if isinstance(event, h2.events.DataReceived):
                    found.body += event.data
                    self.wire.acknowledge_received_data(event.flow_controlled_length, number)
                if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    # A reset that follows a whole answer only says that the request need not be finished.
                    self.stream.sendall(self.wire.data_to_send())
                    return found


def as_bytes(text):
    """What is no Latin-1 is UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


@contextlib.contextmanager
def http1(port):
    """A function that asks over HTTP/1.1, and returns `None` where the connection is closed unanswered."""
    with contextlib.ExitStack() as stack:
        kept = []

        def ask(method, headers, host=HOST):
            if not kept:
                kept.append(stack.enter_context(Wire(port)))
            lines = [b"%s / HTTP/1.1" % method.encode(), b"Host: " + as_bytes(host)]
            lines += [name.encode() + b": " + as_bytes(value) for name, value in headers.items()]
            if method == "POST":
                lines.append(b"Content-Length: 0")
            kept[0].send(b"\r\n".join([*lines, b"", b""]))
            answer = kept[0].answer()
            if answer is None or answer.value("connection") == "close" or answer.status == 400:
                kept.clear()
            return answer

        yield ask


@contextlib.contextmanager
def http2(port):
    """The same over HTTP/2."""
    with Streams(port) as streams:

        def ask(method, headers, host=HOST):
            lines = list(headers.items())
            if "upgrade" in headers:
                method = "CONNECT"
                lines = [(":protocol", headers["upgrade"]), *(it for it in lines if it[0] not in ("upgrade", "connection"))]
            return streams.ask(attacks.h2(*lines, method=method, authority=host))

        yield ask
