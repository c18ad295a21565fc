"""Origin Gate beside Envoy's own CORS filter in a real browser, as `./build.sh demo --browser` has it, and the shop's
page as a person uses it."""

import re

import pytest

import before_after
import beside
import browser
import demo
import proxy
import readme

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)


@pytest.fixture(scope="module")
def both(stage, binary, module, authority):
    certificate = proxy.certificate(authority.issue_cert(before_after.API, *before_after.SITES))
    gate = [proxy.gate(module, before_after.POLICY)]
    return before_after.start(stage, binary, gate, certificate), certificate


def test_before_and_after(both):
    assert before_after.compare(*both) == before_after.promised()


def test_the_readme_shows_what_comes_of_it():
    header = f"| {' | '.join(before_after.HEADER)} |"
    assert readme.table(header) == before_after.promised()


def test_without_the_filter_it_is_not_as_promised(both, stage, binary, authority):
    """Nor is any cell of its column with nothing in its place, but for what no page may do behind either."""
    certificate = proxy.certificate(authority.issue_cert(before_after.API, *before_after.SITES))
    bare = before_after.start(stage, binary, [], certificate, name="before-after-without")
    found = before_after.attempts(bare, certificate, "gate")
    kept = [title for (title, _, wanted), cell in zip(before_after.ROWS, found, strict=True) if cell == wanted[1]]
    assert kept == ["a foreign page reads the cart"]


def test_pictures_are_taken(both, tmp_path):
    found = list(before_after.pictures(*both, tmp_path))
    assert [it.read_bytes()[:4] for it in found] == [b"\x89PNG"] * 2


READ = before_after.READABLE
KEPT = "kept from this page"
VERDICTS = {
    "See the cart": READ(200),
    "Put tea into it": READ(201),
    "My orders": READ(200),
    "400": READ(400),
    "401": READ(401),
    "403 of another filter": READ(403),
    "404 of the shop": READ(404),
    "404 of Envoy": READ(404),
    "500": READ(500),
    "503, a dead backend": READ(503),
    "504, a slow backend": READ(504),
    "a redirect": READ(200),
    "PUT": READ(405),
    "a header that is not listed": KEPT,
    "Open the chat": "received",
    "Say it": "received",
    "Close": "closed",
    "Post a form": "sent",
}
FOREIGN = {"Open the chat": "refused", "Say it": "not open"}


@pytest.fixture(scope="module")
def run(stage, binary, module):
    """What `./build.sh run` starts, but for the ports."""
    return demo.run(stage, binary, module, ports=0)


@pytest.mark.parametrize("host, api", [("localhost", "127.0.0.1"), ("127.0.0.1", "localhost")])
def test_each_button_of_the_page(both, run, host, api):
    """On an address that `run` allows, and on one that it does not, whose page neither reads nor opens a socket on the other."""
    is_allowed, port = host == "localhost", run.ports["web"]
    with browser.chromium({}, both[1]) as chromium, browser.visit(chromium, f"http://{host}:{port}/") as page:
        page.select_option("#api", f"{api}:{port}")
        assert page.locator("button").all_inner_texts() == list(VERDICTS)
        for title, verdict in VERDICTS.items():
            if title == "Close" and not is_allowed:
                # Where no socket opens there is none to close, and the page says nothing.
                continue
            foreign = KEPT if re.match(r"\d", verdict) else FOREIGN.get(title, verdict)
            before_after.press(page, title, verdict if is_allowed else foreign)
        # The last line may come a moment later.
        page.wait_for_timeout(1500)
        told = page.locator("#results .why").all_inner_texts()
        fixes = page.locator("#results .fix").all_inner_texts()
        if (beside.PAGE / "page.wasm").exists():
            entry = "lists this page's origin, as http://localhost:*." if is_allowed else "does not list this page's origin."
            assert page.inner_text("#listed") == f"The policy {entry}"
            assert page.locator("#expected li").count() == 3
            assert page.inner_text("#elsewhere a") == f"http://{api}:{port}/"
    own = [it for it in told if it.startswith("x-origin-gate: ")]
    assert own == (["x-origin-gate: cors:allowed:listed"] * 13 if is_allowed else [])
    cited = {it.partition(" ")[0] for it in told if it not in own}
    assert cited == ({"CORS"} if is_allowed else {"CORS", "WebSocket", "Cross-site"})
    wanted = "add x-unlisted to cors.allow_headers" if is_allowed else f"add http://{host}:{port} to "
    assert fixes and all(wanted in it for it in fixes), fixes
