"""Which requests of a real browser ask CORS nothing, what they say of themselves, and who gets to see the answer:
`cors:rejected` is counted where the browser keeps an answer from a page, and nowhere else."""

import pytest

import browser
import metrics
import proxy
from listeners import API, IMAGES

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)

# A payment page, which may post here and read nothing; and the page itself, behind a proxy that writes another host.
PAY, FRONT = "shop.example", IMAGES
POLICY = {
    "allowed_origins": ["https://slykertech.co.zw"],
    "allowed_hosts": [API],
    "csrf": {"trusted_origins": [f"https://{PAY}"], "exempt_paths": ["/backend/201"]},
    "cors": {},
}
BODY = "from the backend"
TOLD = {"origin": "%REQ(ORIGIN)%", "mode": "%REQ(SEC-FETCH-MODE)%", "site": "%REQ(SEC-FETCH-SITE)%"}
REJECTED = f"{metrics.PREFIX}origin_gate_decisions.check.cors.outcome.rejected"


@pytest.fixture(scope="module")
def gate(request, envoy, backend, module, certificate, access_log):
    private = browser.page()
    private["match"] = {"prefix": "/private"}
    private["response_headers_to_add"].append({"header": {"key": "referrer-policy", "value": "no-referrer"}})

    def manager(*arguments, **options):
        found = proxy.manager(*arguments, access_log=access_log.path, **options)
        found["typed_config"]["access_log"][0]["typed_config"]["log_format"]["json_format"] |= TOLD
        return found

    api = manager([proxy.gate(module, POLICY)], [proxy.route("/backend/")])
    # Two files have it, perhaps in one process.
    name = request.module.__name__.replace("_", "-")
    inner = envoy(name, [proxy.listener("api", api)], [proxy.cluster("backend", backend.port)], concurrency=1)
    # In front of it as a proxy that ends TLS: under the API's name it says so, under the other it does not.
    routes = [proxy.route("/backend/", "inner", host_rewrite_literal=API), private, browser.page()]
    servers = {"front": proxy.manager([], routes), "sites": browser.site(access_log.path)}
    listeners = [proxy.listener(name, it, certificate) for name, it in servers.items()]
    front = envoy(f"{name}-front", listeners, [proxy.cluster("inner", inner.ports["api"])])
    inner.names = {API: front.ports["front"], FRONT: front.ports["front"], PAY: front.ports["sites"]}
    return inner


@pytest.fixture(scope="module")
def chromium(gate, certificate):
    with browser.chromium(gate.names, certificate) as found:
        yield found


def post(**options):
    """A `fetch` that writes: what its script learns."""

    def call(page, url):
        script = """async ([url, options]) => {
            const options_ = { method: "POST", body: "x", ...options };
            return fetch(url, options_).then(async (it) => it.type === "opaque" ? "opaque" : it.text(), (it) => it.name);
        }"""
        return page.evaluate(script, [url, options])

    return call


def form(page, url):
    """What the visitor sees."""
    page.evaluate("(url) => submit(url, { a: 'b' })", url)
    page.wait_for_url(url)
    return page.inner_text("body")


def framed_form(page, url):
    """A form in a sandboxed frame."""
    page.evaluate("openFrame('allow-scripts allow-forms', '/')")
    return form(page.frames[-1], url)


def run(script):
    return lambda page, url: page.evaluate(script, url)


BEACON = run("(url) => navigator.sendBeacon(url, 'x')")
PING = run("""(url) => {
    const link = document.createElement("a");
    [link.href, link.ping] = ["#here", url];
    document.body.append(link);
    link.click();
}""")
IMAGE = run("""(url) => new Promise((done) => {
    const image = new Image();
    image.onload = image.onerror = ({ type }) => done(type);
    image.src = url;
})""")
SHARED_IMAGE = run("""(url) => new Promise((done) => {
    const image = new Image();
    image.crossOrigin = "anonymous";
    image.onload = image.onerror = ({ type }) => done(type);
    image.src = url;
})""")
MODULE = run("(url) => import(url).then(() => 'loaded', (it) => it.name)")
FONT = run("(url) => new FontFace('x', `url(${url})`).load().then(() => 'loaded', (it) => it.name)")

NOT, REJ, NONE = "cors:allowed:not_cors", "cors:rejected:origin_not_allowed", "cors:allowed:origin_missing"
OURS, PAYS = f"https://{FRONT}", f"https://{PAY}"
# The page, what it does, at which host; what is learnt of the answer; what the request said, and what is found.
REQUESTS = {
    "a form": (PAYS, form, API, BODY, (PAYS, "navigate", "cross-site"), NOT),
    "a form of a sandboxed frame": (PAYS, framed_form, API, BODY, ("null", "navigate", "cross-site"), NOT),
    "a form that hides its origin": (f"{OURS}/private", form, FRONT, BODY, ("null", "navigate", "same-origin"), NOT),
    "a form behind another host": (OURS, form, FRONT, BODY, (OURS, "navigate", "same-origin"), NOT),
    "a beacon": (PAYS, BEACON, API, True, (PAYS, "no-cors", "cross-site"), NOT),
    "a ping": (PAYS, PING, API, None, (PAYS, "no-cors", "cross-site"), NOT),
    "a fetch without leave": (PAYS, post(mode="no-cors"), API, "opaque", (PAYS, "no-cors", "cross-site"), NOT),
    "an image": (PAYS, IMAGE, API, "error", (None, "no-cors", "cross-site"), NONE),
    "a fetch": (PAYS, post(), API, "TypeError", (PAYS, "cors", "cross-site"), REJ),
    "an image for a canvas": (PAYS, SHARED_IMAGE, API, "error", (PAYS, "cors", "cross-site"), REJ),
    "a module": (PAYS, MODULE, API, "TypeError", (PAYS, "cors", "cross-site"), REJ),
    "a font": (PAYS, FONT, API, "NetworkError", (PAYS, "cors", "cross-site"), REJ),
    "a fetch of its own behind another host": (OURS, post(), FRONT, BODY, (OURS, "cors", "same-origin"), NOT),
    "the same, for its origin alone": (
        OURS,
        post(mode="same-origin"),
        FRONT,
        BODY,
        (OURS, "same-origin", "same-origin"),
        NOT,
    ),
    # That policy hides the origin of forms alone.
    "the same, of a page without Referer": (
        f"{OURS}/private",
        post(mode="no-cors"),
        FRONT,
        BODY,
        (OURS, "no-cors", "same-origin"),
        NOT,
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_rejection_is_an_answer_that_is_kept_from_a_page(gate, chromium, access_log, name):
    page_url, send, host, learnt, said, finding = REQUESTS[name]
    # What comes of no origin that could be trusted comes to an exempt path.
    status = 201 if send is framed_form else 200
    path = f"/backend/{status}?{name.replace(' ', '-').replace(',', '')}"
    before, logged = sum(gate.counted(REJECTED).values()), gate.log().count("CORS origin rejected")
    with browser.visit(chromium, page_url) as page:
        assert send(page, f"https://{host}{path}") == learnt
        line = access_log.line(path)
    assert ((line["origin"], line["mode"], line["site"]), line["finding"]) == (said, finding)
    assert sum(gate.counted(REJECTED).values()) - before == (finding == REJ)
    if finding != REJ:
        assert gate.log().count("CORS origin rejected") == logged
