"""What is asked of every variant, and what each must answer."""

import dataclasses

HOST = "api.slykertech.co.zw"
ALLOWED, REFUSED = "https://slykertech.co.zw", "https://evil.example"
BASELINE = ("none", "empty")  # those that do no CORS
OTHERS = ("native", "lua")  # those that do nothing else
LONG = 16 * 1024
PAYLOAD = b"x"

# What Chrome sends, in its order: fifteen lines with `Host`.
BROWSER = f"""\
Host: {HOST}
Connection: keep-alive
sec-ch-ua-platform: "Linux"
Authorization: Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36
Accept: application/json, text/plain, */*
sec-ch-ua: "Chromium";v="142", "Not=A?Brand";v="24", "Google Chrome";v="142"
sec-ch-ua-mobile: ?0
Sec-Fetch-Site: cross-site
Sec-Fetch-Mode: cors
Sec-Fetch-Dest: empty
Referer: https://slykertech.co.zw/
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en;q=0.9
Cookie: sessionid=k3v0q9m1x5u8c2z7b4n6w1e8r0t5y3p2; csrftoken=Qm9vVGhpc0lzTm90QVNlY3JldEF0QWxsMTIz"""

HANDSHAKE = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


def request(method, path, *headers, body=b"", origin=None):
    """As a browser writes it; headers that are named replace those of all requests."""
    lines = dict(line.split(": ", 1) for line in BROWSER.splitlines())
    lines.update(headers)
    if origin:
        lines["Origin"] = origin
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode() + body


def preflight(path, names, origin=ALLOWED):
    asked = [("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", names)]
    return request("OPTIONS", path, *asked, origin=origin)


def masked_frame(size):
    """A text frame from a client (RFC 6455, section 5.2)."""
    return bytes([0x81, 0x80 | size]) + bytes(4) + PAYLOAD * size


@dataclasses.dataclass(frozen=True)
class Kind:
    """`count` of them go over `lanes` connections in one batch. `opening` is sent first on each, and is not measured: what
    follows comes back.
    """

    name: str
    title: str
    request: bytes
    count: int
    lanes: int = 16
    opening: bytes = b""
    is_fresh: bool = False  # each on a connection of its own
    status: int = 200
    is_granted: bool = False  # the page may read the answer
    is_own: bool = False  # the filter answers by itself
    variants: tuple = ()  # only for these
    floor: str = ""  # the listener of `floor` that makes the host calls which this takes

    def is_for(self, variant):
        if variant == "floor":
            return bool(self.floor)
        return variant in self.variants if self.variants else variant != "patterns"

    def listener(self, variant):
        return self.floor if variant == "floor" else "web"

    def expected(self, variant):
        """The status, and whether there are CORS headers."""
        if variant in BASELINE:
            return self.status, False
        if self.is_own:
            return (200 if variant == "native" else 204), self.is_granted
        # Envoy's filter and the script do not know that a handshake needs none.
        return self.status, variant in OTHERS if self.status == 101 else self.is_granted


OPENING = request("GET", "/ws/chat/", *HANDSHAKE, origin=ALLOWED)
CHUNK = b"4000\r\n" + PAYLOAD * 0x4000 + b"\r\n"
BODY = CHUNK * 64 + b"0\r\n\r\n"
CHUNKED = ("Transfer-Encoding", "chunked")
STREAM = request("POST", "/echo/", CHUNKED, origin=ALLOWED)
NAMES = "authorization,content-type,x-csrftoken"
# Answered by Envoy itself, so that no filter means no trip to the backend either. The policy has patterns, too.
HOSTILE = {"variants": ("none", "patterns"), "count": 320}
PATTERNS = ["https://*.preview.slykertech.co.zw", "https://shop-*-acme.vercel.app"]
LIST = ",".join(["x-a"] * (LONG // 4))
HYPHENS = f"https://{'s-' * 31}.vercel.app"

KINDS = [
    Kind("plain", "GET without Origin", request("GET", "/api/carts/current/"), 320, floor="web"),
    Kind(
        "allowed",
        "GET, allowed Origin",
        request("GET", "/api/carts/current/", origin=ALLOWED),
        320,
        is_granted=True,
        floor="grants",
    ),
    Kind("refused", "GET, refused Origin", request("GET", "/api/carts/current/", origin=REFUSED), 320, floor="web"),
    Kind("preflight", "preflight", preflight("/api/carts/current/", NAMES), 320, is_granted=True, is_own=True, floor="replies"),
    Kind(
        "missing",
        "proxied 404, allowed Origin",
        request("GET", "/api/missing/", origin=ALLOWED),
        320,
        status=404,
        is_granted=True,
        floor="grants",
    ),
    Kind("handshake", "WebSocket handshake", OPENING, 96, is_fresh=True, status=101),
    Kind("frames", "frame and its echo", masked_frame(64), 1000, 8, opening=OPENING, status=101),
    Kind("chunks", "16 KB chunk and its echo", CHUNK, 256, 8, opening=STREAM, is_granted=True),
    Kind("body", "1 MB chunked body", request("POST", "/api/upload/", CHUNKED, origin=ALLOWED, body=BODY), 16, 1, is_granted=True),
    Kind("local", "local answer, allowed Origin", request("GET", "/local/", origin=ALLOWED), is_granted=True, **HOSTILE),
    Kind("long-origin", "the same, Origin of 16 KB", request("GET", "/local/", origin=f"https://{'a.' * (LONG // 2)}"), **HOSTILE),
    Kind("hyphens", "the same, Origin of 31 hyphens", request("GET", "/local/", origin=HYPHENS), **HOSTILE),
    Kind("local-preflight", "preflight for three headers", preflight("/local/", NAMES), is_granted=True, is_own=True, **HOSTILE),
    Kind("long-list", "preflight for 16 KB of headers", preflight("/local/", LIST), is_granted=True, is_own=True, **HOSTILE),
]
