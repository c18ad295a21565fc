"""What `explain` says that Chromium prints is what a real one prints, word for word.

`tests/console.rs` holds `explain` to the same texts, of `tests/cases/console`. They are those of one major version.
"""

import json
import subprocess

import pytest

import browser
import proxy
from readme import ROOT

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)

CASES = ROOT / "tests" / "cases" / "console" / "situations.json"
KNOWN = json.loads(CASES.read_text())
TEXTS = json.loads((ROOT / "src" / "analysis" / "console.json").read_text())["chromium"]
MAJOR = max(TEXTS, key=int)
SITUATIONS = {it["name"]: it for it in KNOWN["situations"]}
# What each kind of request is made with; it resolves when the browser is done with it.
SCRIPTS = {
    "fetch": """([url, { method, headers, credentials }]) =>
        fetch(url, { method, headers, credentials: credentials ? "include" : "omit" }).then(() => 0, () => 0)""",
    "xhr": """([url, { method, headers, credentials }]) => new Promise((done) => {
        const request = new XMLHttpRequest();
        request.onloadend = () => done(0);
        request.open(method, url);
        request.withCredentials = credentials;
        Object.entries(headers).forEach((it) => request.setRequestHeader(...it));
        request.send();
    })""",
    "font": "([url]) => new FontFace('x', `url(${url})`).load().then(() => 0, () => 0)",
    "script": "([url]) => import(url).then(() => 0, () => 0)",
    "socket": "([url]) => talk(url.replace('https', 'wss'), '')",
    "events": "([url]) => listen(url, {}, '')",
}
for api, tag, address in [("image", "img", "src"), ("style", "link", "href"), ("video", "video", "src")]:
    SCRIPTS[api] = f"""([url]) => new Promise((done) => {{
        const found = document.createElement("{tag}");
        found.crossOrigin = "anonymous";
        found.rel = "stylesheet";
        found.onload = found.onloadeddata = found.onerror = () => done(0);
        found.{address} = url;
        document.body.append(found);
    }})"""


def version():
    """Chromium's major version."""
    told = subprocess.run([browser.find(), "--version"], capture_output=True, text=True, check=True).stdout
    return next(word.split(".")[0] for word in told.split() if word[0].isdigit())


if version() != MAJOR:
    pytest.skip(f"knows the texts of Chromium {MAJOR}, and this is {version()}", allow_module_level=True)


def answer(situation):
    """Where the backend's answer matters, a route that gives it."""
    told = situation.get("answer", {"status": 200, "headers": {}})
    headers = [{"header": {"key": name, "value": value}} for name, value in told["headers"].items()]
    path = f"/{list(SITUATIONS).index(situation['name'])}"
    return {
        "match": {"path": path},
        "direct_response": {"status": told["status"], "body": {"inline_string": "x"}},
        "response_headers_to_add": headers,
    }


@pytest.fixture(scope="module")
def chromium(envoy, module, certificate, access_log):
    listeners, routes = [], [answer(it) for it in SITUATIONS.values()]
    for name, policy in KNOWN["policies"].items():
        gate = proxy.gate(module, policy)
        listeners.append(proxy.listener(name, proxy.manager([gate], routes, access_log.path), certificate))
    site = browser.site(access_log.path)
    listeners += [proxy.listener("sites", site, certificate), proxy.listener("plain", site)]
    ports = envoy("predictions", listeners, []).ports
    names = {f"{it}.api.test": ports[it] for it in KNOWN["policies"]}
    for page in {it["page"] for it in SITUATIONS.values()} - {"null"}:
        scheme, _, host = page.partition("://")
        names[host if ":" in host else f"{host}:{443 if scheme == 'https' else 80}"] = ports[
            "sites" if scheme == "https" else "plain"
        ]
    with browser.chromium(names, certificate) as found, found.profile() as profile:
        yield profile


@pytest.fixture(scope="module")
def pages(chromium):
    """One page of each origin, which asks for one address after another."""
    found = {}
    for origin in {it["page"] for it in SITUATIONS.values()}:
        page = found[origin] = chromium.new_page()
        page.goto("https://app.test/" if origin == "null" else f"{origin}/")
        if origin == "null":
            page.evaluate("openFrame('allow-scripts', '/')")
    return found


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_console_prints_what_is_predicted(pages, name):
    situation = SITUATIONS[name]
    page = pages[situation["page"]]
    url = f"https://{situation['policy']}.api.test/{list(SITUATIONS).index(name)}"
    options = {"method": "GET", "headers": {}, "credentials": False}
    options |= {key: situation[key] for key in options if key in situation}
    console = browser.Console(page)
    page.frames[-1].evaluate(SCRIPTS[situation.get("api", "fetch")], [url, options])
    predicted = situation.get("console")
    assert predicted is None or console.wait_for(predicted), (predicted, console.messages)
    told = [it for it in console.messages if url.removeprefix("https") in it and not it.startswith("Failed to load")]
    assert told == ([predicted] if predicted else []), (predicted, console.messages)


def test_enough_of_them_fail():
    assert sum("console" in it for it in SITUATIONS.values()) >= 40
