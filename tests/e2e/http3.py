"""A client that speaks HTTP/3, a step at a time like those of `peers.py`; without threads, so that tests stay in
step with it."""

import contextlib
import socket
import time

import aioquic.h3.connection as h3
import aioquic.h3.events as events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, StreamReset

from peers import HOST, PATIENCE, Answer, text_of


class Http3:
    VERSION = "HTTP/3"

    def __init__(self, port, trust):
        """`trust` is the certificate of the authority that the server's is checked against."""
        options = QuicConfiguration(is_client=True, alpn_protocols=h3.H3_ALPN, server_name=HOST)
        options.load_verify_locations(cadata=trust)
        self.server = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.quic = QuicConnection(configuration=options)
        self.quic.connect(self.server, now=time.monotonic())
        self.wire = h3.H3Connection(self.quic)
        self.events, self.trailers, self.interim, self.is_over = [], [], [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quic.close()
        self.flush()
        self.socket.close()

    def start(self, method, path, headers=(), host=HOST, length=None, websocket=False):
        self.until(lambda: self.wire.received_settings is not None)
        lines = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
        if websocket:
            code = h3.Setting.ENABLE_CONNECT_PROTOCOL
            assert self.wire.received_settings.get(code) == 1, "the server takes no extended CONNECT"
            # RFC 9220, section 3: as over HTTP/2.
            lines[0] = (":method", "CONNECT")
            lines += [(":protocol", "websocket"), ("sec-websocket-version", "13")]
        lines += [(name.lower(), value) for name, value in headers]
        if length is not None:
            lines.append(("content-length", str(length)))
        self.number = self.quic.get_next_available_stream_id()
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
        self.wire.send_headers(self.number, lines, end_stream=length is None and not websocket)
        self.flush()
        return self

    def send(self, data, end=False):
        self.wire.send_data(self.number, data, end_stream=end)
        self.flush()

    def flush(self):
        for data, address in self.quic.datagrams_to_send(now=time.monotonic()):
            self.socket.sendto(data, address)

    def until(self, is_there):
        """Receives until it is there, or nothing more will come."""
        end = time.monotonic() + PATIENCE
        self.flush()
        while not (found := is_there()):
            now = time.monotonic()
            if now > end:
                raise TimeoutError("no answer over HTTP/3")
            timer = self.quic.get_timer()
            self.socket.settimeout(max(0.001, min(end, end if timer is None else timer) - now))
            with contextlib.suppress(TimeoutError):
                self.quic.receive_datagram(*self.socket.recvfrom(65536), now=time.monotonic())
            if (timer := self.quic.get_timer()) is not None and timer <= time.monotonic():
                self.quic.handle_timer(now=time.monotonic())
            while (event := self.quic.next_event()) is not None:
                if isinstance(event, (ConnectionTerminated, StreamReset)):
                    self.events.append(event)
                self.events += self.wire.handle_event(event)
            self.flush()
        return found

    def event(self):
        self.until(lambda: self.events)
        event = self.events.pop(0)
        if isinstance(event, (ConnectionTerminated, StreamReset)):
            raise ConnectionError(f"no answer: {event}")
        return event

    def head(self):
        while not isinstance(event := self.event(), events.HeadersReceived):
            pass
        status, *headers = text_of(event.headers)
        self.is_over = event.stream_ended
        return Answer(int(status[1]), headers)

    def data(self):
        while not self.is_over:
            event = self.event()
            self.is_over = event.stream_ended
            if isinstance(event, events.DataReceived):
                return event.data
        return None

    def read(self, head=None):
        head = head or self.head()
        return Answer(head.status, head.headers, b"".join(iter(self.data, None)))

    def tunnel(self):
        return b""

    send_raw = property(lambda self: self.send)
    receive_raw = property(lambda self: lambda: self.data() or b"")
