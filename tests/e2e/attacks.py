"""What attackers send, over HTTP/1.1 as bytes and over HTTP/2 as header lists; and the values that they try.

Behind an attack stand the statuses of the answers that it gets: over HTTP/1.1 one after the other; over HTTP/2 those that
there may be, for Envoy's versions differ, where `None` is a stream that is reset or a connection that is closed. What
else must hold of every one of them is in `test_attacks.py`.
"""

APP, EVIL, HOST = "https://app.example", "https://evil.example", "api.example"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n"

# Origins that are none of those allowed, though somebody's parser takes them for one. (`:443` is no other origin.)
# Tables: they stay as they are set.
# fmt: off
ORIGINS = [
    *("null", "NULL", "*", "", "undefined", "file://", "about:blank", "data:text/html,x", "blob:https://app.example"),
    # What a prefix, suffix or substring finds, or a regular expression with an open dot.
    *("https://app.example.evil.example", "https://app.exampleevil.example", "https://evilapp.example",
        "https://evil-app.example"),
    *("https://evil_app.example", "https://appxexample", "https://app-example", "https://app.example-evil.example",
        "https://app.exampl"),
    *("https://evil.example?https://app.example", "https://evil.example#https://app.example",
        "https://evil.example/https://app.example"),
    *("https://xapp.example", "https://sub.app.example", "https://example", "https://app", "https://.example",
        "https://..example"),
    # Another scheme, port or none.
    *("http://app.example", "ftp://app.example", "ws://app.example", "wss://app.example", "app.example",
        "//app.example", "https:app.example"),
    *("https:/app.example", "https:///app.example", "https:\\\\app.example", "://app.example",
        "javascript://app.example", "https//app.example"),
    *(f"https://app.example:{it}" for it in ("", "0", "80", "0443", "444", "8443", "65536", "4430000000000", "-1",
        "+443", "abc", "443abc", "*")),
    # Two readings of one text.
    *("https://app.example@evil.example", "https://evil.example@app.example", "https://user@app.example",
        "https://a:b@app.example"),
    *("https://@app.example", "https://app.example:443@evil.example", "https://evil.example\\@app.example",
        "https://app.example\\.evil.example"),
    *("https://app.example/", "https://app.example/evil", "https://app.example?x", "https://app.example#x",
        "https://app.example/.evil.example"),
    *("https://app.example;evil.example", "https://app.example,https://evil.example",
        "https://evil.example, https://app.example"),
    *("https://app.example https://evil.example", "https://app.example%20", "https://app.example%00",
        "https://app.example%00.evil.example"),
    *("https://evil.example%00https://app.example", "https://app.example%0d%0aX-Evil:1",
        "https://app.example%2eevil.example", "https%3a%2f%2fapp.example"),
    *("https://app%2eexample", "https://%61pp.example", "https://app.example.", "https://app.example..",
        "https://app..example", "https://.app.example"),
    # Characters that some browser lets into a host.
    *(f"https://evil.example{it}.app.example" for it in "`{}|!'$+=~()*&^;,_-\"<>[]\\%"),
    *(f"https://app.example{it}evil.example" for it in "`{}|!'$+=~()*&^;,_-\"<>[]\\%"),
    *(f"https://{it}.trusted.example" for it in ("evil.example/", "evil.example?", "evil.example#", "evil.example\\",
        "*", "a..b", "A", "a`", "a%2e", ".")),
    # Case, and other writing.
    *("HTTPS://app.example", "Https://app.example", "https://APP.example", "https://App.Example",
        "https://app.EXAMPLE"),
    *("https://\uff41pp.example", "https://\u0430pp.example", "https://app\u3002example", "https://app\u2024example",
        "https://app.examp\u217ce"),
    *("https://app.example\u200b", "https://\u00e4pp.example", "https://app.example\u2028",
        "https://xn--pp-eia.example", "https://app.\u0131example"),
    # The machine itself, by other names.
    *("http://localhost.evil.example", "http://localhost.evil", "http://evil-localhost",
        "http://localhost@evil.example", "http://LOCALHOST:3000"),
    *("http://localhost:3000.evil.example", "http://localhost:99999", "http://localhost:", "http://localhost:03000",
        "https://localhost", "http://localhost."),
    *("http://127.0.0.1", "http://127.1", "http://0x7f000001", "http://0177.0.0.1", "http://2130706433", "http://0",
        "http://[::1]", "http://[::ffff:127.0.0.1]"),
    *("http://[::1%25eth0]", "http://[::1", "http://::1", "https://[app.example]", "https://app.example]",
        "https://[app.example", "http://0.0.0.0:3000"),
    # Bytes.
    *("https://app.exa\tmple", "https://app.example\xa0", "https://app.example\xff", "\xef\xbb\xbfhttps://app.example"),
    "https://" + "a" * 300 + ".trusted.example",
    "https://" + "a." * 5000 + "trusted.example",
    "https://app.example" + "/" * 8000,
]

# Hosts that are none of those allowed.
HOSTS = [
    *("evil.example", "api.example.evil.example", "evilapi.example", "evil.api.example", "api.exampleevil", "api",
        "example", "localhost"),
    *("api.example@evil.example", "evil.example@api.example", "user:pass@api.example", "api.example:80@evil.example",
        "evil.example#api.example"),
    *("api.example:", "api.example:abc", "api.example:-1", "api.example:99999999", "api.example:80:80",
        "api.example..", ".api.example", "api..example"),
    *("api.example;evil", "api.example%00", "api%2eexample", "api.example%2f", "[api.example]", "[::1]", "[::1",
        "127.0.0.1", "0", "*", "*.example", "-", "_"),
    *("api.example`", "api.example'", "api.example|", "api.example$", "api.example{", "api.example~", "api.example!",
        "\xe4pi.example", "api.example\xff"),
    *("a" * 300, "a." * 200 + "example"),
]
# fmt: on

# Where the filter, or Envoy before it, reads a value; with what makes the request one in which it is read.
UPGRADE = {
    "upgrade": "websocket",
    "connection": "upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
PREFLIGHT = {"origin": APP, "access-control-request-method": "PUT"}
FIELDS = {
    "origin": ("GET", {}, "https://a{}pp.example"),
    "origin of a preflight": ("OPTIONS", PREFLIGHT, "https://a{}pp.example"),
    "origin of a write": ("POST", {}, "https://a{}pp.example"),
    "origin of a handshake": ("GET", UPGRADE, "https://a{}pp.example"),
    "host": ("GET", {"origin": APP}, "api{}.example"),
    "upgrade": ("GET", {**UPGRADE, "origin": EVIL}, "websocket{}"),
    "connection": ("GET", {**UPGRADE, "origin": EVIL}, "upgrade{}"),
    "sec-websocket-key": ("GET", {**UPGRADE, "origin": EVIL}, "dGhl{}"),
    "sec-websocket-version": ("GET", {**UPGRADE, "origin": EVIL}, "13{}"),
    "sec-websocket-protocol": ("GET", {**UPGRADE, "origin": EVIL}, "chat{}"),
    "sec-websocket-extensions": ("GET", {**UPGRADE, "origin": EVIL}, "permessage-deflate{}"),
    "access-control-request-method": ("OPTIONS", PREFLIGHT, "PU{}T"),
    "access-control-request-headers": ("OPTIONS", PREFLIGHT, "x-te{}st"),
    "access-control-request-private-network": ("OPTIONS", PREFLIGHT, "tru{}e"),
    "sec-fetch-site": ("POST", {"origin": EVIL}, "same-origin{}"),
    "x-forwarded-proto": ("GET", {"origin": APP}, "http{}s"),
    "x-forwarded-host": ("GET", {"origin": APP}, "api{}.example"),
    "x-http-method-override": ("GET", {"origin": EVIL}, "PU{}T"),
    "cookie": ("GET", {"origin": APP}, "a=b{}"),
    "content-type": ("POST", {"origin": EVIL}, "application/grpc{}"),
}


def request(start, *lines, body=""):
    return "\r\n".join([f"{start} HTTP/1.1", *lines, "", body])


def chunked(*lines, body="0\r\n\r\n"):
    return request("POST /", f"Host: {HOST}", f"Origin: {APP}", *lines, body=body)


def get(*lines, target="/", host=HOST):
    return request(f"GET {target}", f"Host: {host}", *lines)


FOREIGN = f"Origin: {EVIL}"
SOCKET = [f"{name}: {value}" for name, value in UPGRADE.items()]
ASK = "Access-Control-Request-Method: PUT"

RAW = {
    # Names and targets.
    "two hosts": (request("GET /", f"Host: {HOST}", "Host: evil.example"), 421),
    "two hosts, the other first": (request("GET /", "Host: evil.example", f"Host: {HOST}"), 421),
    "two hosts, the same": (request("GET /", f"Host: {HOST}", f"Host: {HOST}"), 421),
    "no host": (request("GET /", FOREIGN), 400),
    "an empty host": (get(host=""), 421),
    "a host in a folded line": (request("GET /", "Host:", " evil.example"), 421),
    "a host and another in a folded line": (request("GET /", f"Host: {HOST}", " .evil.example"), 400),
    "a host with space before the colon": (request("GET /", f"Host : {HOST}"), 400),
    "an absolute target": (get(target=f"http://{HOST}/"), 200),
    "an absolute target elsewhere": (get(target="http://evil.example/"), 421),
    "an absolute target here, and a host elsewhere": (get(target=f"http://{HOST}/", host="evil.example"), 200),
    "an absolute target with a user": (get(target=f"http://{HOST}@evil.example/"), 421),
    "an absolute target of another scheme": (get(target=f"ftp://{HOST}/"), 400),
    "an absolute target without a host": (get(target="http:///"), 400),
    "a target that is a host": (get(target="evil.example:80"), 400),
    "a target of an asterisk": (request("OPTIONS *", f"Host: {HOST}", FOREIGN, ASK), 404),
    "CONNECT": (request(f"CONNECT {HOST}:443", f"Host: {HOST}"), 404),
    "CONNECT elsewhere": (request("CONNECT evil.example:443", f"Host: {HOST}"), 421),
    "TRACE": (request("TRACE /", f"Host: {HOST}", FOREIGN), 200),
    "two slashes": (get(target="//evil.example/"), 200),
    "a target with a null byte": (get(target="/\0"), 400),
    "a target with a line end": (get(target="/\r\nX-Evil: 1"), 426),
    "a target of obs-text": (get(target="/\xff"), 400),
    "HTTP/1.0": (f"GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n", 426),
    "HTTP/0.9": ("GET /\r\n\r\n", 426),
    "HTTP/9.9": (f"GET / HTTP/9.9\r\nHost: {HOST}\r\n\r\n", 426),
    "no HTTP": ("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400),
    # Origins.
    "two origins": (get(f"Origin: {APP}", FOREIGN), 200),
    "two origins, the other first": (get(FOREIGN, f"Origin: {APP}"), 200),
    "two origins, the same": (get(f"Origin: {APP}", f"Origin: {APP}"), 200),
    "an origin in a folded line": (get(f"Origin: {APP}", "  .evil.example"), 200),
    "an origin with a null byte": (get(f"Origin: {APP}\0.evil.example"), 400),
    "an origin with CR": (get(f"Origin: {APP}\rX-Evil: 1"), 200),
    "an origin with LF": (get(f"Origin: {APP}\nX-Evil: 1"), 200),
    "an origin by another case": (get(f"oRiGiN: {EVIL}"), 200),
    "an origin with an underscore": (get(f"Origin_: {APP}"), 200),
    "two origins on a handshake": (get(f"Origin: {APP}", FOREIGN, *SOCKET), 403),
    "two origins on a write": (request("POST /", f"Host: {HOST}", f"Origin: {APP}", FOREIGN, "Content-Length: 0"), 403),
    "two origins on a preflight": (request("OPTIONS /", f"Host: {HOST}", f"Origin: {APP}", FOREIGN, ASK), 403),
    # Handshakes.
    "a handshake": (get(FOREIGN, *SOCKET), 403),
    "a handshake in capitals": (get(FOREIGN, "Upgrade: WebSocket", "Connection: UPGRADE"), 403),
    "a handshake by POST": (request("POST /", f"Host: {HOST}", FOREIGN, *SOCKET, "Content-Length: 0"), 403),
    "a handshake by OPTIONS": (request("OPTIONS /", f"Host: {HOST}", FOREIGN, ASK, *SOCKET), 403),
    "a handshake of two protocols": (get(FOREIGN, "Connection: upgrade", "Upgrade: websocket, h2c"), 403),
    "a handshake of two lines": (get(FOREIGN, "Connection: upgrade", "Upgrade: h2c", "Upgrade: websocket"), 403),
    "a handshake to h2c": (
        get(FOREIGN, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
        200,
    ),
    "a handshake without the connection": (get(FOREIGN, "Upgrade: websocket"), 200),
    "a handshake that drops the origin": (get(FOREIGN, "Connection: upgrade, origin", "Upgrade: websocket"), 403),
    # Envoy drops it. No browser lets a page send this; a program may as well leave the origin out.
    "a write that drops the origin": (request("POST /", f"Host: {HOST}", FOREIGN, "Connection: origin", "Content-Length: 0"), 200),
    "a request that drops the host": (get("Connection: host", host="evil.example"), 400),
    # Sizes.
    "a header of 50 KB": (get(FOREIGN, "X-A: " + "a" * 50_000), 200),
    "an origin of 50 KB": (get(f"Origin: {APP}" + "a" * 50_000), 200),
    "a host of 50 KB": (get(host="a" * 50_000), 421),
    "a list of 50 KB": (
        request("OPTIONS /", f"Host: {HOST}", f"Origin: {EVIL}", ASK, "Access-Control-Request-Headers: " + "x," * 25_000),
        403,
    ),
    "a header of 60 KB": (get("X-A: " + "a" * 61_440), 431),
    "a header of 1 MB": (get("X-A: " + "a" * 1_000_000), 431),
    "a target of 60 KB": (get(target="/" + "a" * 61_440), 431),
    "99 headers": (get(FOREIGN, *(f"X-{it}: a" for it in range(97))), 200),
    "100 origins": (request("GET /", f"Host: {HOST}", *[f"Origin: {APP}"] * 99), 200),
    "101 headers": (get(FOREIGN, *(f"X-{it}: a" for it in range(99))), 431),
    "100 lists": (request("OPTIONS /", f"Host: {HOST}", f"Origin: {EVIL}", ASK, *["Access-Control-Request-Headers: x"] * 97), 403),
    # Two readings of one message.
    "bare LF": (f"GET / HTTP/1.1\nHost: {HOST}\n{FOREIGN}\n\n", 200),
    "LF CR": (f"GET / HTTP/1.1\n\rHost: {HOST}\n\r\n\r", 400),
    "CR": (f"GET / HTTP/1.1\rHost: {HOST}\r\r",),
    "a header without a name": (get(": value"), 400),
    "a header without a colon": (get("Origin"), 400),
    "a header in brackets": (get(f"Origin[]: {APP}"), 400),
    "a null byte in a header": (get("X-A: a\0b"), 400),
    "CL and TE": (chunked("Content-Length: 6", "Transfer-Encoding: chunked", body="0\r\n\r\n" + SMUGGLED), 400),
    "TE and CL": (chunked("Transfer-Encoding: chunked", "Content-Length: 4", body="5c\r\n" + SMUGGLED), 400),
    "CL twice": (chunked("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED), 400),
    "CL twice in a line": (chunked(f"Content-Length: 0, {len(SMUGGLED)}", body=SMUGGLED), 400),
    "a CL with a sign": (chunked("Content-Length: +5", body="12345"), 400),
    "a negative CL": (chunked("Content-Length: -1", body=SMUGGLED), 400),
    "a CL in hexadecimal": (chunked("Content-Length: 0x5", body="12345"), 400),
    "a CL too large to be": (chunked("Content-Length: 99999999999999999999", body=SMUGGLED), 400),
    "a CL with space before the colon": (chunked(f"Content-Length : {len(SMUGGLED)}", body=SMUGGLED), 400),
    "a CL of less than comes": (chunked("Content-Length: 0", body=SMUGGLED), 200, 421),
    "a GET with a body": (get(f"Content-Length: {len(SMUGGLED)}") + SMUGGLED, 200),
    "TE of another name": (chunked("Transfer-Encoding: xchunked", body="0\r\n\r\n" + SMUGGLED), 501),
    "TE twice": (chunked("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body="0\r\n\r\n" + SMUGGLED), 501),
    "TE of two": (chunked("Transfer-Encoding: gzip, chunked", body="0\r\n\r\n" + SMUGGLED), 501),
    "TE in quotes": (chunked('Transfer-Encoding: "chunked"', body="0\r\n\r\n" + SMUGGLED), 501),
    "TE after a tab": (chunked("Transfer-Encoding:\tchunked", body="0\r\n\r\n" + SMUGGLED), 200, 421),
    "TE with a vertical tab": (chunked("Transfer-Encoding: \x0bchunked", body="0\r\n\r\n" + SMUGGLED), 400),
    "TE with space before the colon": (chunked("Transfer-Encoding : chunked", body="0\r\n\r\n" + SMUGGLED), 400),
    "TE in a folded line": (chunked("Transfer-Encoding:", " chunked", body="0\r\n\r\n" + SMUGGLED), 200, 421),
    "TE and nothing": (chunked("Transfer-Encoding: chunked, identity", body="0\r\n\r\n" + SMUGGLED), 501),
    "chunks, and a request behind them": (chunked("Transfer-Encoding: chunked", body="0\r\n\r\n" + SMUGGLED), 200, 421),
    "a chunk with an extension": (chunked("Transfer-Encoding: chunked", body="1;a=b\r\nx\r\n0\r\n\r\n" + SMUGGLED), 200, 421),
    "a chunk with a line end in its extension": (chunked("Transfer-Encoding: chunked", body="1;\nx\r\n0\r\n\r\n" + SMUGGLED), 400),
    "a chunk with bare LF": (chunked("Transfer-Encoding: chunked", body="1\nx\n0\n\n" + SMUGGLED), 400),
    "a chunk of no number": (chunked("Transfer-Encoding: chunked", body="x\r\n\r\n" + SMUGGLED), 400),
    "a chunk of a negative number": (chunked("Transfer-Encoding: chunked", body="-1\r\n\r\n" + SMUGGLED), 400),
    "a chunk too large to be": (chunked("Transfer-Encoding: chunked", body="fffffffffffffffff\r\n" + SMUGGLED), 400),
    "a chunk longer than its size": (chunked("Transfer-Encoding: chunked", body="1\r\nxx\r\n0\r\n\r\n" + SMUGGLED), 200, 421),
    "trailers that are headers": (
        chunked("Transfer-Encoding: chunked", body=f"0\r\nHost: evil.example\r\nOrigin: {EVIL}\r\n\r\n" + SMUGGLED),
        200,
        421,
    ),
    "a refused write with a request for its body": (
        request("POST /", f"Host: {HOST}", FOREIGN, f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
        403,
    ),
    "a refused preflight with a request for its body": (
        request("OPTIONS /", f"Host: {HOST}", FOREIGN, ASK, f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
        403,
    ),
    "a refused handshake, and a request behind it": (get(FOREIGN, *SOCKET) + SMUGGLED, 403),
    "a refused host, and a request for its body": (
        request("POST /", "Host: evil.example", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
        421,
    ),
}


def h2(*more, method="GET", path="/", authority=HOST, scheme="http"):
    pseudo = {":method": method, ":scheme": scheme, ":authority": authority, ":path": path}
    return [*((name, value) for name, value in pseudo.items() if value is not None), *more]


CONNECT = (":protocol", "websocket")
CROSS = ("origin", EVIL)
MINE = ("origin", APP)
FRAMES = {
    "authority here, host elsewhere": (h2(("host", "evil.example")), 200),
    "authority elsewhere, host here": (h2(("host", HOST), authority="evil.example"), 421),
    "host elsewhere alone": (h2(("host", "evil.example"), authority=None), 421),
    "host here alone": (h2(("host", HOST), authority=None), 200),
    "two hosts": (h2(("host", HOST), ("host", "evil.example"), authority=None), None, 200),
    "two authorities": (h2((":authority", "evil.example")), None),
    "no authority": (h2(authority=None), None),
    "an empty authority": (h2(authority=""), None, 421),
    "an authority with a user": (h2(authority=f"{HOST}@evil.example"), None),
    "an authority with a line end": (h2(authority=f"{HOST}\r\nx-evil: 1"), None),
    "a path with a request": (h2(path=f"/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n{SMUGGLED}"), None),
    "a path with a space": (h2(path="/ HTTP/1.1"), None),
    "a path that is empty": (h2(path=""), None),
    "a path elsewhere": (h2(path="http://evil.example/"), None),
    "a method with a request": (h2(method=f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\nGET"), None),
    "a scheme of another kind": (h2(scheme="ftp"), 200),
    "a header with a line end": (h2(("x-a", f"a\r\n\r\n{SMUGGLED}")), None),
    "a header with LF": (h2(("x-a", "a\nx-evil: 1")), None),
    "a header with a null byte": (h2(("x-a", "a\0b")), None),
    "a name with a line end": (h2(("x-a: b\r\nx-evil", "1")), None),
    "a name in capitals": (h2(("Origin", APP)), None),
    "a name with a colon": (h2(("origin:", APP)), None),
    "a pseudo header behind": (h2(("x-a", "b"), (":path", "/smuggled")), None),
    "transfer-encoding": (h2(("transfer-encoding", "chunked"), method="POST"), None),
    "connection": (h2(("connection", "upgrade"), ("upgrade", "websocket"), CROSS), None),
    "a content-length too large": (h2(("content-length", "5"), MINE, method="POST"), None),
    "two origins": (h2(MINE, CROSS), 200),
    "two origins on a write": (h2(MINE, CROSS, method="POST"), 403),
    "two origins on a handshake": (h2(CONNECT, MINE, CROSS, method="CONNECT"), 403),
    "a handshake": (h2(CONNECT, CROSS, method="CONNECT"), 403),
    "a handshake elsewhere": (h2(CONNECT, MINE, method="CONNECT", authority="evil.example"), 421),
    "a handshake that claims gRPC": (h2(CONNECT, CROSS, ("content-type", "application/grpc"), method="CONNECT"), 403),
    "a handshake of another protocol": (h2((":protocol", "connect-udp"), CROSS, method="CONNECT"), 404),
    "a handshake by GET": (h2(CONNECT, CROSS), None),
    "CONNECT": (h2(method="CONNECT", path=None, scheme=None, authority=f"{HOST}:443"), 404),
    "CONNECT elsewhere": (h2(method="CONNECT", path=None, scheme=None, authority="evil.example:443"), 421),
    "a preflight that claims gRPC": (
        h2(CROSS, ("access-control-request-method", "PUT"), ("content-type", "application/grpc"), method="OPTIONS"),
        403,
    ),
    "a header of 50 KB": (h2(CROSS, ("x-a", "a" * 50_000)), 200),
    "a header of 60 KB": (h2(("x-a", "a" * 61_440)), None),
    "an origin of 50 KB": (h2(("origin", APP + "a" * 50_000)), 200),
    "99 headers": (h2(CROSS, *((f"x-{it}", "a") for it in range(94))), 200),
    "101 headers": (h2(CROSS, *((f"x-{it}", "a") for it in range(97))), None),
}
