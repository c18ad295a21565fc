"""A backend that does as it is told, on uvicorn, and two that are broken."""

import asyncio
import contextlib
import json
import socket
import threading
import urllib.parse

import uvicorn

import rpc
from peers import PATIENCE

BODY = b"from the backend"


class Steps:
    """Lets a test hold an answer back until it has seen what came before. It holds no longer than a test would wait."""

    def __init__(self):
        self.taken = threading.Semaphore(0)

    def take(self):
        """The test's side."""
        self.taken.release()

    def next(self):
        """The server's side."""
        self.taken.acquire(timeout=PATIENCE)

    async def wait(self):
        await asyncio.get_running_loop().run_in_executor(None, self.next)


class Backend:
    """Behind the proxy, and told by each request's path what to do."""

    def __init__(self):
        self.steps = Steps()
        self.connect = rpc.ConnectCart(self.steps)
        self.handshakes = []  # the paths of all that came this far
        self.listener = socket.create_server(("127.0.0.1", 0))
        # What it accepts inherits this; asyncio sets it on none that `create_server` brings.
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.listener.getsockname()[1]
        options = {"log_level": "error", "interface": "asgi3", "lifespan": "off", "ws": "websockets-sansio", "http": "h11"}
        self.server = uvicorn.Server(uvicorn.Config(self.app, **options))

    def __enter__(self):
        run = {"target": self.server.run, "kwargs": {"sockets": [self.listener]}, "daemon": True}
        self.thread = threading.Thread(**run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(10)

    async def app(self, scope, receive, send):
        if scope["type"] == "websocket":
            self.handshakes.append(scope["path"])
            return await echo_frames(scope, receive, send)
        folder = scope["path"].split("/")[1]
        answers = {
            "backend": self.status,
            "files": self.status,
            "events": self.events,
            "upload": self.upload,
            "seen": self.seen,
            rpc.SERVICE: self.connect,
        }
        await answers.get(folder, self.silence)(scope, receive, send)

    async def status(self, scope, receive, send):
        """`/backend/<status>?header=Name: value&header=…`"""
        status = int(scope["path"].split("/")[2])
        headers = [tuple(it.split(": ", 1)) for it in queries(scope).get("header", [])]
        body = b"" if status in (204, 304) else BODY
        if status not in (204, 304):
            headers.append(("content-length", str(len(body))))
        await start(send, status, headers)
        await send({"type": "http.response.body", "body": body})

    async def seen(self, scope, receive, send):
        """The request's headers."""
        await start(send, 200, [("content-type", "application/json")])
        await send({"type": "http.response.body", "body": json.dumps(lines_of(scope)).encode()})

    async def events(self, scope, receive, send):
        """Server-sent events; each but the first waits until the test has read the one before."""
        await start(send, 200, [("content-type", "text/event-stream"), ("cache-control", "no-store")])
        for number in range(3):
            event = f"id: {number}\ndata: event {number}\n\n".encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await self.steps.wait()
        await send({"type": "http.response.body", "body": b""})

    async def upload(self, scope, receive, send):
        """Sends each part of the body back as it comes."""
        message = await receive()
        await start(send, 200, [])
        while message.get("more_body"):
            await send({"type": "http.response.body", "body": message["body"], "more_body": True})
            message = await receive()
        await send({"type": "http.response.body", "body": message.get("body", b"")})

    async def silence(self, scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass


async def start(send, status, headers):
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def echo_frames(scope, receive, send):
    """Tells what the handshake looked like from here, then echoes."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps(lines_of(scope))})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text") or message["bytes"].decode()})


def lines_of(scope):
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


def queries(scope):
    return urllib.parse.parse_qs(scope["query_string"].decode())


@contextlib.contextmanager
def broken(handle):
    """A server that takes connections, and does with each what `handle` does; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    stream = listener.accept()[0]
                    threading.Thread(target=serve, args=(stream,), daemon=True).start()

        def serve(stream):
            with contextlib.suppress(OSError), stream:
                handle(stream)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def close_unanswered(stream):
    stream.recv(65536)


def speak_something_else(stream):
    stream.recv(65536)
    stream.sendall(b"220 mail.example ESMTP\r\n")
    # What is closed with bytes unread is reset, which may overtake what was written.
    stream.shutdown(socket.SHUT_WR)
    while stream.recv(65536):
        pass
