"""Clients that show what a page's browser would see, byte for byte: one connection, one request at a time."""

import os
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import h2.settings
import h11
import wsproto.connection
import wsproto.events

PATIENCE = 20  # seconds, after which what should have come will not come
HOST = "api.example"


class Answer:
    """`headers` in order, repeated ones and all, names in lower case."""

    def __init__(self, status, headers, body=b"", trailers=()):
        self.status, self.headers, self.body, self.trailers = status, headers, body, list(trailers)

    def value(self, name):
        """The lines of a header, joined; `None` if there are none."""
        lines = [value for it, value in self.headers if it == name]
        return ", ".join(lines) if lines else None

    def cors(self):
        """All of CORS, and `Vary`: what is not expected of them must be absent. White space in lists does not count."""
        names = {name for name, _ in self.headers if name.startswith("access-control-") or name == "vary"}
        return {name: ", ".join(it.strip() for it in self.value(name).split(",")) for name in names}

    def text(self):
        return self.body.decode(errors="replace")


def text_of(headers):
    return [(bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1")) for name, value in headers]


def stay_on(core):
    """This process, and those that it starts from now on. Where there is no such core, anywhere."""
    cores = {core % os.cpu_count()} if core is not None else range(os.cpu_count())
    os.sched_setaffinity(0, cores)


def protocol(websocket):
    return "websocket" if websocket is True else websocket


def connect(port, tls, protocols):
    """`tls` is a context that trusts the server; it is asked for as `HOST`."""
    stream = socket.create_connection(("127.0.0.1", port), PATIENCE)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not tls:
        return stream
    tls.set_alpn_protocols(protocols)
    return tls.wrap_socket(stream, server_hostname=HOST)


class Exchange:
    """One request and its answer, a step at a time."""

    def __init__(self, port, tls=None):
        self.stream = connect(port, tls, [self.ALPN])
        self.interim, self.trailers, self.is_over = [], [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def receive(self):
        """Bytes off the wire; none at its end, however it ended."""
        try:
            return self.stream.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            return b""

    def read(self, head=None):
        """Head and body to the end."""
        head = head or self.head()
        body = b"".join(iter(self.data, None))
        return Answer(head.status, head.headers, body, self.trailers)


class Http1(Exchange):
    ALPN, VERSION = "http/1.1", "HTTP/1.1"

    def start(self, method, path, headers=(), host=HOST, length=None, websocket=False):
        """Sends the head. `length` is that of a body to come; -1 for one of unknown length. `websocket` may be the
        protocol's name as it is to be spelled."""
        self.wire = h11.Connection(h11.CLIENT)
        lines = [("Host", host), *headers]
        if websocket:
            lines += [("Connection", "Upgrade"), ("Upgrade", protocol(websocket)), ("Sec-WebSocket-Version", "13")]
            lines += [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
        elif length is not None:
            lines.append(("Transfer-Encoding", "chunked") if length < 0 else ("Content-Length", str(length)))
        self.stream.sendall(self.wire.send(h11.Request(method=method, target=path, headers=lines)))
        if length is None:
            self.stream.sendall(self.wire.send(h11.EndOfMessage()))
        return self

    def send(self, data, end=False):
        self.stream.sendall(self.wire.send(h11.Data(data=data)))
        if end:
            self.stream.sendall(self.wire.send(h11.EndOfMessage()))

    def event(self):
        while (event := self.wire.next_event()) is h11.NEED_DATA:
            self.wire.receive_data(self.receive())
        return event

    def head(self):
        while True:
            event = self.event()
            found = Answer(event.status_code, text_of(event.headers.raw_items()))
            if isinstance(event, h11.Response) or event.status_code == 101:
                return found
            self.interim.append(found)

    def data(self):
        if self.is_over:
            return None
        event = self.event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        self.is_over = True
        self.trailers = text_of(event.headers) if isinstance(event, h11.EndOfMessage) else []
        return None

    def tunnel(self):
        """What came after the head of a 101."""
        return self.wire.trailing_data[0]

    send_raw = property(lambda self: self.stream.sendall)
    receive_raw = property(lambda self: self.receive)


class Http2(Exchange):
    ALPN, VERSION = "h2", "HTTP/2"

    def start(self, method, path, headers=(), host=HOST, length=None, websocket=False):
        options = {"validate_outbound_headers": False, "normalize_outbound_headers": False}
        self.wire = h2.connection.H2Connection(h2.config.H2Configuration(**options))
        self.wire.initiate_connection()
        self.flush()
        self.events = []
        self.until(h2.events.RemoteSettingsChanged)
        lines = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
        if websocket:
            code = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
            assert self.wire.remote_settings.get(code) == 1, "the server takes no extended CONNECT"
            # RFC 8441, section 5: no key, no Connection, no Upgrade.
            lines[0] = (":method", "CONNECT")
            lines += [(":protocol", protocol(websocket)), ("sec-websocket-version", "13")]
        lines += [(name.lower(), value) for name, value in headers]
        if length is not None and length >= 0:
            lines.append(("content-length", str(length)))
        self.number = self.wire.get_next_available_stream_id()
        self.wire.send_headers(self.number, lines, end_stream=length is None and not websocket)
        self.flush()
        return self

    def flush(self):
        self.stream.sendall(self.wire.data_to_send())

    def send(self, data, end=False):
        self.wire.send_data(self.number, data, end_stream=end)
        self.flush()

    def until(self, *kinds):
        """The next event of one of these kinds, or the end of the connection."""
        while True:
            for at, event in enumerate(self.events):
                if isinstance(event, kinds):
                    del self.events[: at + 1]
                    return event
            data = self.receive()
            if not data:
                return None
            self.events = self.wire.receive_data(data)
            for event in self.events:
                if isinstance(event, h2.events.DataReceived):
                    self.wire.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.flush()

    def head(self):
        while True:
            event = self.until(h2.events.ResponseReceived, h2.events.InformationalResponseReceived, h2.events.StreamReset)
            if event is None or isinstance(event, h2.events.StreamReset):
                raise ConnectionError(f"no answer: {event}")
            status, *headers = text_of(event.headers)
            found = Answer(int(status[1]), headers)
            if isinstance(event, h2.events.ResponseReceived):
                return found
            self.interim.append(found)

    def data(self):
        if self.is_over:
            return None
        kinds = h2.events.DataReceived, h2.events.TrailersReceived, h2.events.StreamEnded, h2.events.StreamReset
        event = self.until(*kinds)
        while isinstance(event, h2.events.DataReceived):
            if event.data:
                return bytes(event.data)
            event = self.until(*kinds)
        if isinstance(event, h2.events.TrailersReceived):
            self.trailers = text_of(event.headers)
        self.is_over = True
        return None

    def tunnel(self):
        return b""

    send_raw = property(lambda self: self.send)
    receive_raw = property(lambda self: lambda: self.data() or b"")


class Frames:
    """A WebSocket through what an exchange opened, once it has."""

    def __init__(self, exchange):
        self.exchange = exchange
        client = wsproto.connection.ConnectionType.CLIENT
        self.wire = wsproto.connection.Connection(client, trailing_data=exchange.tunnel())
        self.events = self.wire.events()

    def say(self, text):
        self.exchange.send_raw(self.wire.send(wsproto.events.TextMessage(text)))

    def hear(self):
        """The next text."""
        parts = []
        while True:
            event = self.event()
            if not isinstance(event, wsproto.events.TextMessage):
                raise ConnectionError(f"no text: {event}")
            parts.append(event.data)
            if event.message_finished:
                return "".join(parts)

    def close(self):
        """Says so, and waits for the same from the other side."""
        self.exchange.send_raw(self.wire.send(wsproto.events.CloseConnection(code=1000)))
        while not isinstance(self.event(), wsproto.events.CloseConnection):
            pass

    def event(self):
        while (event := next(self.events, None)) is None:
            data = self.exchange.receive_raw()
            if not data:
                raise ConnectionError("it ended unclosed")
            self.wire.receive_data(data)
            self.events = self.wire.events()
        if isinstance(event, wsproto.events.Ping):
            # Who has said that it closes says nothing more.
            if self.wire.state is wsproto.connection.ConnectionState.OPEN:
                self.exchange.send_raw(self.wire.send(event.response()))
            return self.event()
        return event


BOTH = [Http1, Http2]


def ask(kind, port, method="GET", path="/", headers=(), body=None, tls=None, **more):
    """One whole request."""
    with kind(port, tls) as exchange:
        exchange.start(method, path, headers, length=None if body is None else len(body), **more)
        if body is not None:
            exchange.send(body, end=True)
        return exchange.read()
