"""The page in a real Chromium, and in Firefox: what it says is what the core says, and it sends nothing."""

import json
import time

import pytest

import firefox
from conftest import ROOT, fragment, unpacked

POLICY = """{
  "allowed_origins": ["https://app.example"],
  "allowed_hosts": ["api.example"],
  "cors": { "allow_credentials": true }
}
"""
FOREIGN = {"policy": POLICY, "request": {"origin": "https://evil.example", "host": "api.example", "method": "PUT"}}
AXE = ROOT / ".tools/axe/node_modules/axe-core/axe.min.js"
TABS = ["request", "who", "diff"]


def samples():
    """A few cases of each file of the corpus that has one policy, as a person would type them."""
    for path in sorted((ROOT / "tests/cases").glob("*.json")):
        suite = json.loads(path.read_text())
        if "policy" not in suite or "environment" in suite:
            continue
        cases = [it for it in suite["cases"] if typable(it)]
        yield from ((path.stem, json.dumps(suite["policy"], indent=2), it) for it in cases[:: max(1, len(cases) // 4)][:4])


def typable(case):
    lines = case["request"]
    texts = [it.partition(":")[2].strip() for it in lines[1:]]
    return "only_envoy" not in case and all(texts) and all(it.isascii() and it.isprintable() for it in lines)


def request(case):
    method, _, path = case["request"][0].partition(" ")
    backend = case.get("backend") or [""]
    return {
        "method": method,
        "path": path,
        "scheme": "http",
        "headers": "\n".join(case["request"][1:]),
        "response": "\n".join(backend[1:]),
    }


def answered(page, text, selector="#answer"):
    """Waits until the page says something."""
    script = "([selector, text]) => document.querySelector(selector).innerText.includes(text)"
    try:
        page.wait_for_function(script, arg=[selector, text])
    except Exception:
        raise AssertionError(f"{text!r} is not in {page.inner_text(selector)!r}") from None


def test_a_sample_of_the_corpus_gives_what_the_core_gives(visit):
    page, count = visit(), 0
    for file, policy, case in samples():
        page.evaluate(
            "(it) => { document.getElementById('answer').replaceChildren(); location.hash = it }",
            fragment({"policy": policy, "request": request(case)}),
        )
        page.wait_for_selector("#answer > *")
        if found := page.get_attribute("#answer article", "data-finding") if page.query_selector("#answer article") else None:
            assert found == case["finding"], (file, case["name"])
            count += 1
    print(f"{count} cases")
    assert count > 80
    assert not page.problems


def consoles():
    for name in ("evidence", "threads"):
        suite = json.loads((ROOT / f"tests/cases/diagnoses/{name}.json").read_text())
        for case in suite["cases"]:
            arguments = case.get("arguments", [])
            options = dict(zip(arguments[::2], arguments[1::2], strict=False))
            if (
                len(arguments) % 2 == 0
                and "--console" in options
                and set(options) <= {"--console", "--host", "--origin"}
                and case["exit"] == 2
            ):
                policy = suite["policies"][case["policy"]] if isinstance(case["policy"], str) else case["policy"]
                yield json.dumps(policy), options, case["says"]


def test_ten_messages_of_consoles_give_the_fix(visit):
    found = list(consoles())
    assert len(found) >= 10
    page = visit()
    for policy, options, says in found:
        page.fill("#policy", policy)
        page.check("input[value=console]", force=True)
        page.fill("#evidence", options["--console"])
        page.fill("#origin", options.get("--origin", ""))
        page.fill("#host", options.get("--host", ""))
        for text in says:
            answered(page, text.strip().rsplit("  ", 1)[-1].strip().replace("`", ""))
    assert not page.problems


def test_an_error_is_shown_where_it_stands_and_mended_by_a_click(visit):
    page = visit(FOREIGN)
    page.fill("#policy", POLICY.replace("app.example", "app.example/"))
    assert "refuses this policy" in page.inner_text("#verdict")
    assert page.inner_text("#policy-editor .gutter .error") == "● 2"
    assert page.text_content("#policy-editor mark.error") == '"https://app.example/"'
    page.click("#findings button.link")
    assert page.evaluate("document.activeElement.id") == "policy"
    page.click("#findings button.fix")
    assert page.input_value("#policy") == POLICY
    assert "loads" in page.inner_text("#verdict")
    page.keyboard.press("Control+z")
    assert page.input_value("#policy") == POLICY.replace("app.example", "app.example/")


def test_places_count_what_is_not_ascii(visit):
    page = visit(FOREIGN)
    page.fill("#policy", '# \U0001f642 é\nallowed_origins:\n  - "https://app.example/"\n')
    page.click("#findings button.fix")
    assert page.input_value("#policy") == '# \U0001f642 é\nallowed_origins:\n  - "https://app.example"\n'


def test_what_is_hostile_is_text(visit):
    page = visit(FOREIGN)
    hostile = "<img src=x onerror=alert(1)>\u202egnp.exe<script>alert(1)</script>"
    page.fill("#policy", json.dumps({"allowed_origins": [hostile], hostile: 1}, ensure_ascii=False))
    assert "<img src=x" in page.inner_text("#findings")
    assert "\u202e" not in page.inner_text("#findings")
    for name in ("origin", "host", "path"):
        page.fill(f"#{name}", hostile)
    page.fill("#policy", POLICY)
    page.wait_for_timeout(400)
    for tab in TABS:
        page.click(f"#tab-{tab}")
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert "\u202e" not in page.inner_text("#answer") + page.inner_text("#command")
    # So deep that a reader which calls itself would overflow: the page says so, and goes on.
    page.fill("#policy", "[" * 200_000)
    assert page.inner_text("#verdict")
    page.fill("#policy", POLICY)
    assert "loads" in page.inner_text("#verdict")
    assert not page.problems


def test_nothing_leaves_the_page_after_it_was_loaded(visit, address):
    page = visit(FOREIGN)
    assert all(it.startswith(address) for it in page.asked)
    assert not any(it.endswith("suffixes.txt") for it in page.asked)
    page.asked.clear()
    page.fill("#policy", POLICY)
    page.fill("#origin", "https://app.example")
    for tab in TABS:
        page.click(f"#tab-{tab}")
    for name in ("console", "curl", "log", "request"):
        page.click("#tab-request")
        page.check(f"input[value={name}]", force=True)
    page.select_option("#examples", "1")
    page.click("#copy-link")
    page.wait_for_timeout(500)
    assert page.asked == []
    page.click("#suffixes")
    answered(page, "are checked against the public-suffix list", "#suffix-state")
    assert page.asked == [f"{address}suffixes.txt"]
    assert page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'kept')") == "kept"


def test_the_list_of_suffixes_warns_once_it_is_there(visit):
    page = visit(FOREIGN)
    page.fill("#policy", '{"allowed_origins": ["https://*.co.uk"]}')
    assert "public_suffix" not in page.inner_text("#findings")
    page.click("#suffixes")
    answered(page, "public_suffix", "#findings")


def test_a_link_shows_the_same_and_holds_no_secret(visit):
    page = visit(FOREIGN)
    answered(page, "if it is yours, add https://evil.example to allowed_origins")
    again = visit(unpacked(page.url))
    assert again.inner_text("#answer") == page.inner_text("#answer")
    page.check("input[value=curl]", force=True)
    page.fill(
        "#evidence",
        "curl 'https://api.example/cart?token=hush' -H 'Origin: https://app.example' -H 'Cookie: a=hush' -H 'X-Key: hush' -u hush:hush",
    )
    answered(page, "allow_headers")
    page.wait_for_timeout(300)
    state = json.dumps(unpacked(page.url))
    assert "hush" not in state and "x-key" in state.lower() and "api.example" in state
    assert "hush" in page.inner_text("#command")


def test_a_link_holds_no_secret_that_was_typed_or_pasted(visit):
    page = visit({**FOREIGN, "policy": '{"django_env": true}'})
    page.click("#variables-box summary")
    page.fill("#variables", "SECRET_KEY=hush\nCORS_ALLOWED_ORIGINS=https://app.example\n")
    page.fill("#path", "/cart?token=hush")
    page.evaluate("document.getElementById('headers-box').open = true")
    page.fill("#headers", "Authorization: Bearer hush\nContent-Type: text/plain")
    page.check("#cookies")
    answered(page, "Refused")
    page.click("#copy-link")
    page.wait_for_function("location.hash.length > 20")
    state = unpacked(page.url)
    assert "hush" not in json.dumps(state)
    assert state["variables"] == "CORS_ALLOWED_ORIGINS=https://app.example"
    assert (state["request"]["path"], state["request"]["cookies"]) == ("/cart", True)
    assert state["request"]["headers"] == "Authorization: (hidden)\nContent-Type: text/plain"
    assert visit(state).inner_text("#answer article .word") == page.inner_text("#answer article .word")
    page.check("input[value=console]", force=True)
    message = (
        "Access to fetch at 'https://api.example/x?token=hush' from origin 'https://shop.example' has been blocked by CORS policy: "
    )
    page.fill("#evidence", message + "No 'Access-Control-Allow-Origin' header is present on the requested resource.")
    answered(page, "https://shop.example")
    assert page.get_attribute("#host", "placeholder") == "api.example"
    page.click("#copy-link")
    page.wait_for_function("document.getElementById('copy-link').textContent === 'Copied'")
    state = unpacked(page.url)
    assert "hush" not in json.dumps(state) and "/x'" in state["evidence"]
    assert "https://shop.example" in visit(state).inner_text("#answer")


@pytest.mark.parametrize(
    "state", [{"kind": "constructor", "tab": "__proto__"}, {"policy": 7, "request": [1]}, {"request": None, "kind": {}}, []]
)
def test_a_link_that_is_wrong_breaks_nothing(visit, state):
    page = visit(state)
    page.fill("#policy", POLICY)
    assert "loads" in page.inner_text("#verdict")
    assert not page.problems


def test_a_key_that_is_misspelt_is_mended_by_a_click(visit):
    page = visit({**FOREIGN, "policy": POLICY.replace("allowed_hosts", "allowed_host")})
    page.click("#findings .error button.fix")
    assert page.input_value("#policy") == POLICY
    # It would be there twice.
    page.fill("#policy", POLICY.replace('"allowed_origins"', '"allowed_host": [], "allowed_origins"'))
    assert "did you mean" in page.inner_text("#findings")
    assert page.locator("#findings button.fix").count() == 0


def test_the_call_of_the_command_is_beside_the_answer(visit):
    page = visit(FOREIGN)
    assert (
        page.inner_text("#command")
        == "origin-gate explain policy.json --host api.example --origin https://evil.example --method PUT"
    )


def test_a_comparison_has_requests_to_try(visit):
    page = visit({**FOREIGN, "old": POLICY, "tab": "diff", "policy": POLICY.replace("app.example", "*.app.example")})
    answered(page, "Newly permitted", "#changes")
    page.click("#changes .change.permits button >> nth=0")
    assert page.get_attribute("#tab-request", "aria-selected") == "true"
    assert page.input_value("#origin").endswith(".app.example")
    answered(page, "Allowed")


def test_who_may_do_what(visit):
    page = visit({**FOREIGN, "tab": "who"})
    answered(page, "read answers with cookies", "#table")
    page.fill("#on-path", "x")
    answered(page, "a path begins with", "#table")


def test_keys_do_all(visit):
    page = visit(FOREIGN)
    page.focus("#tab-request")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-who"
    assert page.is_visible("#panel-who") and not page.is_visible("#panel-request")
    page.keyboard.press("End")
    assert page.is_visible("#panel-diff")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#panel-request")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "kind"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1440])
def test_it_is_accessible_and_fits(visit, width, scheme, request):
    if not AXE.exists():
        pytest.skip("needs axe-core in .tools/axe, where ./build.sh page --test puts it if npm is here")
    broken = POLICY.replace("app.example", "app.example/").replace("{\n", '{\n  "mode": "off",\n', 1)
    for name, state in {
        "answer": FOREIGN,
        "errors": {**FOREIGN, "policy": broken},
        **{it: {**FOREIGN, "tab": it} for it in TABS[1:]},
    }.items():
        page = visit(state, width, scheme=scheme)
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] }).then((it) => it.violations)")
        assert [(it["id"], [node["html"] for node in it["nodes"]]) for it in found] == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if folder := request.config.getoption("--pictures"):
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)


def test_a_thousand_entries_are_judged_between_two_keys(visit):
    """The figure is printed; what is asserted is only that it is no pause that people notice as such."""
    origins = [f"https://app{it}.customer{it}.example" for it in range(1000)]
    page = visit(
        {
            "policy": json.dumps({"allowed_origins": origins, "allowed_hosts": ["api.example"]}, indent=1),
            "request": FOREIGN["request"],
        }
    )
    key = """() => { const text = document.getElementById("policy"); const start = performance.now();
      text.setRangeText(" "); text.dispatchEvent(new Event("input")); return performance.now() - start; }"""
    times = sorted(page.evaluate(key) for _ in range(9))
    print(f"1,000 entries are judged within {times[4]:.0f} ms of a key (median of 9; most {times[-1]:.0f} ms)")
    assert times[4] < 2000


def test_firefox_loads_it_and_answers(address):
    if not firefox.find():
        pytest.skip("needs Firefox, which is not installed (on Debian: firefox-esr)")
    with firefox.firefox({}) as found, found.visit(address + fragment(FOREIGN)) as page:
        end = time.monotonic() + 20
        while not (ready := page.evaluate("document.documentElement.dataset.ready === 'yes'")) and time.monotonic() < end:
            time.sleep(0.05)
        assert ready, page.inner_text("body")
        assert "if it is yours, add https://evil.example to allowed_origins" in page.inner_text("#answer")
        assert page.evaluate("() => performance.getEntriesByType('resource').every((it) => it.name.startsWith(location.origin))")
