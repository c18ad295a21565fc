"""A backend that would let everybody in, and remembers what came that should not have."""

import h11

from attacks import APP, HOST
from peers import text_of

BODY = b"from the backend"
LARGE = b"x" * 40_000_000
LIES = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true")]


class Victim:
    """A backend that would let everybody in, and remembers what came."""

    def __init__(self):
        self.seen, self.unlawful = 0, []

    def serve(self, stream):
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        request = None
        while data := stream.recv(65536):
            wire.receive_data(data)
            while (event := wire.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Request):
                    request = event
                    self.judge(event)
                if isinstance(event, h11.ConnectionClosed):
                    return
                if isinstance(event, h11.EndOfMessage):
                    body = LARGE if request.target == b"/large" else BODY
                    head = h11.Response(status_code=200, headers=[*LIES, ("Content-Length", str(len(body)))])
                    stream.sendall(b"".join(map(wire.send, [head, h11.Data(data=body), h11.EndOfMessage()])))
                    wire.start_next_cycle()

    def judge(self, request):
        """By the request alone: what was asked for to bring it here does not count."""
        self.seen += 1
        lines = text_of(request.headers)
        names = [name for name, _ in lines]
        value = dict(lines)
        is_mine = [it for name, it in lines if name == "origin"] in ([], [APP])
        if value["host"].split(":")[0].rstrip(".").lower() != HOST or names.count("host") > 1:
            self.unlawful.append(f"a host: {lines}")
        if value.get("x-forwarded-host", HOST) != HOST:
            self.unlawful.append(f"a forwarded host: {lines}")
        if not is_mine and ("upgrade" in names or request.method not in (b"GET", b"HEAD", b"OPTIONS", b"TRACE")):
            self.unlawful.append(f"a handshake or write: {request.method} {lines}")
        if request.method == b"OPTIONS" and "origin" in names and value.get("access-control-request-method"):
            self.unlawful.append(f"a preflight: {lines}")
        if b"smuggled" in request.target:
            self.unlawful.append(f"a request within a request: {request.target} {lines}")
