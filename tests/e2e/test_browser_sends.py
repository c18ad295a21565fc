"""What pages of seven origins bring about at the shop in a real browser, whether or not they may read of it: forms,
event streams and sockets."""

import json

import pytest

import browser
from harness import CART
from listeners import API, SITES

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)

EVERY_SITE = pytest.mark.parametrize("site", SITES)
FORM = {"sku": "tea", "quantity": "1"}
CHANGED = {"items": [{"sku": "tea", "quantity": 1}], "total": 1}
REFUSAL = {
    "title": "Forbidden",
    "status": 403,
    "detail": "a page of this origin may not change anything here",
    "check": "csrf",
}


@pytest.fixture(scope="module")
def chromium(shop, certificate):
    with browser.chromium(shop.names, certificate) as found:
        yield found


def url(path, scheme="https"):
    return f"{scheme}://{API}{path}"


def total(page):
    """Of the visitor's own cart, asked for as by a click in the address bar."""
    visit = page.context.new_page()
    visit.goto(url(CART))
    found = json.loads(visit.inner_text("body"))["total"]
    visit.close()
    return found


def post_opaquely(page, path):
    """A `fetch` that asks for no leave. The script cannot tell one answer from another."""
    script = """async ([url, fields]) => {
        const options = { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams(fields) };
        const { type, status } = await fetch(url, options);
        return [type, status];
    }"""
    assert page.evaluate(script, [url(path), FORM]) == ["opaque", 0]


def post_form(page, path):
    """A form whose answer takes the page's place, for the visitor to see."""
    page.evaluate("([url, fields]) => submit(url, fields)", [url(path), FORM])
    page.wait_for_url(url(path))
    return json.loads(page.inner_text("body"))


@EVERY_SITE
@pytest.mark.parametrize("post", [post_opaquely, post_form])
def test_a_form_that_needs_no_leave(chromium, access_log, site, post):
    who, path = SITES[site], f"{CART}?{post.__name__}-{site}"
    # The page of another site has the visitor's cookie in a usual profile alone, and that takes its time to make.
    profile = chromium.usual_profile if site in ("abroad", "foreign", "sandbox") else chromium.profile
    with who.visit(profile()) as (page, _):
        top = page.page
        assert total(top) == 0
        shown = post(page, path)
        left = total(top)
    line = access_log.line(path)
    assert line["cookie"].startswith("sessionid="), "it came in the visitor's name"
    reason = "origin_null" if who.frame else "cross_site_write"
    if who.is_allowed:
        expected = (201, f"cors:{who.finding}", CHANGED, 1)
    else:
        expected = (403, f"csrf:rejected:{reason}", {**REFUSAL, "reason": reason}, 0)
    assert (line["status"], line["finding"], shown or expected[2], left) == expected


@EVERY_SITE
@pytest.mark.parametrize("credentials", [True, False], ids=["include", "omit"])
def test_an_event_stream(chromium, access_log, backend, site, credentials):
    who, path = SITES[site], f"/events/?{site}-{credentials}"
    for _ in range(3):
        backend.steps.take()
    with who.visit(chromium.profile()) as (page, console):
        stream = [url(path), {"withCredentials": credentials}, "event 2"]
        events = page.evaluate("([url, options, last]) => listen(url, options, last)", stream)
        if who.is_allowed:
            assert events == ["event 0", "event 1", "event 2"]
        else:
            assert events == ["error"]
            message = f"Access to resource at '{url(path)}' from origin '{who.origin}' has been blocked by CORS policy"
            assert console.wait_for(message), console.messages
    assert access_log.line(path)["finding"] == f"cors:{who.finding}"


@EVERY_SITE
@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/2"])
def test_the_chat(chromium, access_log, site, protocol):
    who, path = SITES[site], f"/ws/chat/{site}-{protocol[-1]}/"
    with who.visit(chromium.profile()) as (page, console):
        if protocol == "HTTP/2":
            # Chromium opens a WebSocket inside an HTTP/2 connection if it has one to that host already.
            page.evaluate("(url) => read(url, { credentials: 'include' })", url(CART))
        events = page.evaluate('(url) => talk(url, \'{"message": "hello"}\')', url(path, "wss"))
        if who.is_allowed:
            assert events[0] == "open" and json.loads(events[1])["handshake"]["origin"] == who.origin
            assert json.loads(events[2]) == {"message": "hello"}
        else:
            assert events == ["error"]
            assert console.wait_for(f"WebSocket connection to '{url(path, 'wss')}' failed: "), console.messages
            assert console.wait_for("Unexpected response code: 403"), console.messages
    line = access_log.line(path)
    assert (line["finding"], line["protocol"]) == (f"websocket:{who.finding}", protocol)
