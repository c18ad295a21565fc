"""What the two platforms' guides ask of a shop behind Envoy, and what they fear."""

import asyncio
import json
import re
import time

import websockets

from harness import CART, TOKEN, ask, metrics, wait_for_a_tick

APP = "https://slykertech.co.zw"
API = "api.slykertech.co.zw"
FOREIGN = "https://evil.example"
CORS_HEADERS = {"access-control-allow-origin": APP, "access-control-allow-credentials": "true", "vary": "Origin"}
ORDERS = "/api/auth/buyer/orders/"


class Checks:
    """Each check is printed with the request, the answer and a mark."""

    def __init__(self, envoy):
        self.envoy, self.port = envoy, envoy.ports["web"]
        self.passed = self.failed = 0

    def run(self):
        self.preflights()
        self.cart()
        self.errors()
        self.sockets()
        self.tokens()
        self.fears()
        self.traces()
        print(f"\n{self.passed} passed, {self.failed} failed")
        if self.failed:
            print(f"\nEnvoy's log:\n{self.envoy.log()}")
        return not self.failed

    def section(self, title):
        print(f"\n{title}")

    def check(self, title, method, path, status, present=(), absent=(), body=None, host=API, send=None, content=None):
        """Asks, compares, prints. `present` maps names to values, `absent` names prefixes of header names."""
        headers = {"Host": host, **(send or {})}
        if content is not None:
            headers["Content-Type"] = "application/json"
        answer = ask(self.port, method, path, headers, content)
        problems = [] if answer.status == status else [f"expected status {status}"]
        for name, value in dict(present).items():
            got = answer.headers.get(name, "")
            # The backend may vary by more than the origin; the origin must be named once.
            if members(got).count(value) != 1 if name == "vary" and "," not in value else got != value:
                problems.append(f"expected {name}: {value}")
        for prefix in absent:
            problems += [f"unexpected {name}" for name in answer.headers if name.startswith(prefix)]
        if body and body not in answer.body:
            problems.append(f"expected {body!r} in the body: {answer.body[:200]!r}")
        shown = {name: answer.headers[name] for name in answer.headers if is_shown(name)}
        self.tell(title, f"{method} {path}", headers, f"{answer.status}", shown, problems)
        return answer

    def tell(self, title, request, headers, answer, shown, problems):
        mark = "✗" if problems else "✓"
        print(f"{mark} {title}")
        print(f"    > {request}  {fields(headers)}")
        print(f"    < {answer}  {fields(shown)}")
        for problem in problems:
            print(f"      {problem}")
        self.failed += bool(problems)
        self.passed += not problems

    def preflights(self):
        self.section("Preflights")
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "Content-Type, Authorization"}
        self.check(
            "the page's preflight is answered 204 with the three headers of the guide",
            "OPTIONS",
            CART,
            204,
            {
                "access-control-allow-origin": APP,
                "access-control-allow-credentials": "true",
                "access-control-allow-methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
                "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            },
            send={"Origin": APP, **asked},
        )
        self.check(
            "a foreign page's preflight is refused, with nothing given away",
            "OPTIONS",
            CART,
            403,
            absent=["access-control-"],
            body='"reason":"origin_not_allowed"',
            send={"Origin": FOREIGN, **asked},
        )

    def cart(self):
        self.section("The cart and its session")
        first = self.check("an anonymous visitor gets a cart", "GET", CART, 200, CORS_HEADERS, body='"items"', send={"Origin": APP})
        cookie = first.headers.get("set-cookie", "")
        problems = [f"expected {it}" for it in ("SameSite=None", "Secure", "sessionid=") if it not in cookie]
        self.tell("whose cookie browsers send across sites", "the same", {}, "Set-Cookie", {"": cookie}, problems)
        session = {"Origin": APP, "Cookie": cookie.partition(";")[0]}
        self.check(
            "what is put into it",
            "POST",
            CART,
            201,
            CORS_HEADERS,
            send=session,
            content=b'{"sku": "tea", "quantity": 2}',
        )
        self.check("is there in the next request", "GET", CART, 200, CORS_HEADERS, body='"total":2', send=session)
        self.check("and in nobody else's", "GET", CART, 200, CORS_HEADERS, body='"total":0', send={"Origin": APP})

    def errors(self):
        self.section("The backend's errors are readable")
        send = {"Origin": APP}
        self.check("404", "GET", "/api/billing/carts/99999/", 404, CORS_HEADERS, body="There is no cart", send=send)
        self.check("400", "POST", CART, 400, CORS_HEADERS, body="sku", send=send, content=b'{"quantity": 0}')
        self.check("500", "GET", "/api/boom/", 500, CORS_HEADERS, send=send)
        self.check(
            "but not for a foreign page",
            "GET",
            "/api/billing/carts/99999/",
            404,
            {"vary": "Origin"},
            absent=["access-control-"],
            send={"Origin": FOREIGN},
        )

    def sockets(self):
        self.section("WebSockets")
        for path in ("/ws/chat/sales/", "/ws/chat/"):
            self.socket("the shop's page opens one", path, APP)
        self.socket("its default port written out", "/ws/chat/sales/", f"{APP}:443")
        self.socket("the default port in the host", "/ws/chat/sales/", APP, host=f"{API}:443")
        self.socket("a page on the host itself", "/ws/chat/", f"https://{API}")
        self.socket("and over plain HTTP, as this request is", "/ws/chat/", f"http://{API}")
        self.socket("a page on another of the allowed hosts", "/ws/chat/", f"http://{APP.partition('//')[2]}")
        self.socket("but not on a port that neither shows", "/ws/chat/", f"http://{API}:8080", refused="port_mismatch")
        market = "multivendor-backend.indexo.ir"
        self.socket("a page of the other platform's, by its host", "/ws/chat/", "https://www.indexo.ir", host=market)
        self.socket("from the host itself", "/ws/chat/", f"https://{market}", host=market)
        self.socket(
            "the backend sees Origin, Host and X-Forwarded-Proto",
            "/ws/chat/",
            APP,
            seen={"origin": APP, "host": API, "x-forwarded-proto": "http"},
        )
        self.socket("a foreign page is refused", "/ws/chat/sales/", FOREIGN, refused="origin_not_allowed")
        self.socket("on either", "/ws/chat/", FOREIGN, refused="origin_not_allowed")
        lookalike = f"{APP}.evil.example"
        self.socket("a name that begins like an allowed one", "/ws/chat/", lookalike, refused="origin_not_allowed")
        self.socket("a page without an origin", "/ws/chat/", "null", refused="origin_null")

    def socket(self, title, path, origin, host=API, seen=None, refused=None):
        headers = {"Host": host, "Origin": origin}
        try:
            outcome = asyncio.run(chat(self.port, path, headers))
        except websockets.InvalidStatus as error:
            response = error.response
            body = (response.body or b"").decode()
            problems = [] if refused and response.status_code == 403 and refused in body else ["expected it to open"]
            self.tell(title, f"GET {path} (upgrade)", headers, f"{response.status_code}", {"": body}, problems)
            return
        greeting, echo = outcome
        problems = ["expected 403"] if refused else []
        if greeting.get("type") != "connection_established" or echo != {"message": "hello"}:
            problems.append("expected connection_established, then an echo")
        problems += [f"expected {it}: {want}" for it, want in (seen or {}).items() if greeting["handshake"][it] != want]
        self.tell(title, f"GET {path} (upgrade)", headers, "101", {"": json.dumps(greeting)}, problems)

    def tokens(self):
        self.section("The token API")
        send = {"Origin": APP}
        self.check("without a token", "GET", ORDERS, 401, CORS_HEADERS, send=send)
        send = {"Origin": APP, "Authorization": f"Token {TOKEN}"}
        self.check("with one", "GET", ORDERS, 200, CORS_HEADERS, body='"buyer"', send=send)
        self.check(
            "its preflight, which carries none",
            "OPTIONS",
            ORDERS,
            204,
            {"access-control-allow-headers": "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with"},
            send={"Origin": APP, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"},
        )

    def fears(self):
        self.section("What Envoy answers by itself is readable too")
        for title, path, status in (
            ("a dead backend", "/dead/", 503),
            ("a slow backend", "/api/slow/", 504),
            ("no route", "/nothing/here/", 404),
            ("a direct response", "/teapot", 418),
            ("a redirect", "/old/", 301),
            ("another filter's refusal", "/internal/", 403),
        ):
            self.check(title, "GET", path, status, CORS_HEADERS, send={"Origin": APP})
        self.section("Hosts")
        self.check(
            "an unknown host is refused",
            "GET",
            CART,
            421,
            {"content-type": "application/problem+json"},
            absent=["access-control-", "set-cookie"],
            body='"reason":"host_not_allowed"',
            host="evil.example",
        )
        self.check("a health check by address is not", "GET", "/healthz", 200, host="10.1.2.3:10000")

    def traces(self):
        self.section("Every refusal leaves its reason")
        counter = 'origin_gate_decisions{check="websocket",outcome="rejected",reason="origin_not_allowed"}'
        wait_for_a_tick()
        stats = metrics(self.envoy.ports["stats"]).body
        line = next((it for it in stats.splitlines() if it.startswith(counter)), "(no such counter)")
        problems = [] if line.endswith(" 3") else ["expected 3"]
        self.tell("in the counters", "GET /stats/prometheus, as Prometheus does", {}, line, {}, problems)
        for where, mark in (
            ("in the access log", '"origin_gate":"websocket:rejected:origin_not_allowed"'),
            ("which also tells who answered", '"details":"origin_gate{websocket_origin_not_allowed}"'),
            ("in the log, with the value and the fix", f'WebSocket origin rejected reason=origin_not_allowed origin="{FOREIGN}"'),
        ):
            line = self.line_with(mark)
            self.tell(where, "Envoy's log", {}, line or "(no such line)", {}, [] if line else [f"expected {mark}"])

    def line_with(self, mark):
        end = time.monotonic() + 15
        while time.monotonic() < end:
            for line in self.envoy.log().splitlines():
                if mark in line:
                    return re.split(r"\] wasm log |\]\[dynamic_modules\] \[[^]]*\] ", line)[-1]
            time.sleep(0.1)
        return None


async def chat(port, path, headers):
    """Opens a socket as a page of `Origin` would, and says hello."""
    host, origin = headers["Host"], headers["Origin"]
    name, _, shown_port = host.partition(":")
    uri = f"ws://{name}:{shown_port or 80}{path}"
    connection = websockets.connect(uri, host="127.0.0.1", port=port, origin=origin, proxy=None, open_timeout=10)
    async with connection as socket:
        greeting = json.loads(await asyncio.wait_for(socket.recv(), 10))
        await socket.send('{"message": "hello"}')
        return greeting, json.loads(await asyncio.wait_for(socket.recv(), 10))


def members(value):
    return [member.strip() for member in value.split(",")]


def is_shown(name):
    return name.startswith("access-control-") or name in ("vary", "location", "content-type")


def fields(headers):
    return "  ".join(f"{name}: {value}" if name else value for name, value in headers.items())
