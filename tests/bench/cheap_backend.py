"""A backend that costs little, for raw HTTP/1.1: `cheap_backend.py DESCRIPTOR-OF-THE-LISTENER`.

It answers by the path, takes bodies whose last chunk is the last thing sent, and returns frames and chunks as they come.
"""

import select
import socket
import sys

HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
# As Django answers; the 404 varies as that of REST framework does.
COMMON = (
    b"Content-Type: application/json\r\nX-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n"
    b"Referrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n"
)
OK_BODY = b'{"items":[],"total":0,"currency":"USD"}'
MISSING_BODY = b'{"detail":"There is no such cart."}'
LAST_CHUNK = b"\r\n0\r\n\r\n"


def answer(status, headers, body):
    return b"HTTP/1.1 %s\r\n%s%sContent-Length: %d\r\n\r\n%s" % (status, COMMON, headers, len(body), body)


OK = answer(b"200 OK", b"", OK_BODY)
MISSING = answer(b"404 Not Found", b"Vary: Accept, Cookie\r\n", MISSING_BODY)


ECHO = b"HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n" % COMMON
TUNNELS = {b"ws": HANDSHAKE, b"echo": ECHO}


class Connection:
    def __init__(self, stream):
        self.stream, self.received, self.is_tunnel = stream, b"", False

    def take(self):
        """Reads what has come; false once the connection is over."""
        try:
            data = self.stream.recv(1 << 18)
        except OSError:
            return False
        if self.is_tunnel:
            return bool(data) and self.send(data)
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return bool(data)
        found = TUNNELS.get(head.split(b"/", 2)[1])
        self.is_tunnel = found is not None
        if not found and b"chunked" in head:
            if not body.endswith(LAST_CHUNK):
                # Enough to see the end of a body by.
                self.received = head + end + body[-len(LAST_CHUNK) :]
                return bool(data)
            body = b""
        self.received = b""
        return self.send(found or (MISSING if b" /api/missing" in head else OK))

    def send(self, data):
        try:
            self.stream.sendall(data)
        except OSError:
            return False
        return True


def serve(listener):
    poll, connections = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                stream, _ = listener.accept()
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[stream.fileno()] = Connection(stream)
                poll.register(stream, select.EPOLLIN)
            elif not connections[descriptor].take():
                poll.unregister(descriptor)
                connections.pop(descriptor).stream.close()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
