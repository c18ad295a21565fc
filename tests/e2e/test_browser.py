"""What pages of seven origins get to see of the shop, in a real browser: `fetch`, and its console's own words."""

import json

import pytest

import browser
import metrics
from harness import CART
from listeners import ALLOWED, ANSWERS, API, FRESH, IMAGES, JSON, LAX, PUBLIC, SITES

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)

COOKIES = {"include": {"credentials": "include"}, "omit": {"credentials": "omit"}}
TEA = {"method": "POST", "headers": JSON, "body": '{"sku": "tea", "quantity": 1}'}
NOTHING = {"error": "TypeError"}
NO_HEADER = "No 'Access-Control-Allow-Origin' header is present on the requested resource."


@pytest.fixture(scope="module")
def chromium(shop, certificate):
    with browser.chromium(shop.names, certificate) as found:
        yield found


def url(path, host=API):
    return f"https://{host}{path}"


def read(page, path, options=None, **to):
    return page.evaluate("([url, options]) => read(url, options)", [url(path, **to), options or {}])


def blocked(path, origin, why, **to):
    return f"Access to fetch at '{url(path, **to)}' from origin '{origin}' has been blocked by CORS policy: {why}"


def unanswered_preflight(why):
    return f"Response to preflight request doesn't pass access control check: {why}"


@pytest.mark.parametrize("cookies", COOKIES)
@pytest.mark.parametrize("site", SITES)
def test_who_can_read_what_was_answered(chromium, access_log, site, cookies):
    who = SITES[site]
    calls = {
        name: [url(f"{path}?{site}-{cookies}"), {**options, **COOKIES[cookies]}] for name, (*_, path, options) in ANSWERS.items()
    }
    with who.visit(chromium.profile()) as (page, console):
        # The one call of the hour that is not too many.
        read(page, "/limited/")
        found = page.evaluate("(calls) => readAll(calls)", calls)
        if not who.is_allowed:
            assert found == dict.fromkeys(ANSWERS, NOTHING)
            path = f"/nothing/here/?{site}-{cookies}"
            assert console.wait_for(blocked(path, who.origin, NO_HEADER)), console.messages
    if who.is_allowed:
        expected = {name: (status, body) for name, (status, body, *_) in ANSWERS.items()}
        assert {name: (it["status"], it["body"][: len(expected[name][1])]) for name, it in found.items()} == expected
        assert found["404 of Envoy"]["body"] == ""
    assert access_log.line(f"/nothing/here/?{site}-{cookies}")["finding"] == f"cors:{who.finding}"


@pytest.mark.parametrize("site", SITES)
def test_a_write_that_is_asked_for_first(chromium, access_log, site):
    """JSON needs a preflight; of what that refuses, nothing is sent."""
    who, path = SITES[site], f"{CART}?json-{site}"
    with who.visit(chromium.profile()) as (page, console):
        found = read(page, path, {**TEA, **COOKIES["include"]})
        if who.is_allowed:
            assert (found["status"], found["body"]) == (201, '{"items":[{"sku":"tea","quantity":1}],"total":1}')
        else:
            assert found == NOTHING
            message = blocked(path, who.origin, unanswered_preflight(NO_HEADER))
            assert console.wait_for(message), console.messages
        read(page, f"{path}-last")
    access_log.line(f"{path}-last")
    sent = ["OPTIONS", "POST"] if who.is_allowed else ["OPTIONS"]
    lines = [(it["method"], it["finding"]) for it in access_log.lines(path)]
    assert lines == [(method, f"cors:{who.finding}") for method in sent]


UNLISTED = {
    "Method PURGE is not allowed by Access-Control-Allow-Methods in preflight response.": {"method": "PURGE"},
    "Request header field x-cart-id is not allowed by Access-Control-Allow-Headers in preflight response.": {
        "headers": {"X-Cart-Id": "7"}
    },
}


@pytest.mark.parametrize("why, options", UNLISTED.items(), ids=["a method", "a header"])
def test_the_console_names_what_is_not_listed(chromium, why, options):
    with SITES["app"].visit(chromium.profile()) as (page, console):
        assert read(page, CART, options) == NOTHING
        assert console.wait_for(blocked(CART, ALLOWED, why)), console.messages


def test_cookies_are_refused_where_any_page_may_read(chromium):
    why = (
        "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the "
        "request's credentials mode is 'include'."
    )
    for site in ("foreign", "sandbox"):
        with SITES[site].visit(chromium.profile()) as (page, console):
            assert read(page, CART, host=PUBLIC)["status"] == 200
            assert read(page, CART, COOKIES["include"], host=PUBLIC) == NOTHING
            assert console.wait_for(blocked(CART, SITES[site].origin, why, host=PUBLIC)), console.messages


def test_which_headers_a_script_can_read(chromium):
    sent = {"X-Total": "3", "RateLimit-Remaining": "9", "Retry-After": "5", "Content-Language": "en"}
    sent |= {"X-Secret": "1", "ETag": "a", "Set-Cookie": "a=b", "Access-Control-Expose-Headers": "X-Secret"}
    query = "&".join(f"header={name}: {value}" for name, value in sent.items())
    with SITES["app"].visit(chromium.profile()) as (page, _):
        found = read(page, f"/backend/200?{query}", COOKIES["include"])["headers"]
    assert found == {
        # What the policy exposes,
        "x-total": "3",
        "ratelimit-remaining": "9",
        "retry-after": "5",
        # and what every page may read.
        "content-language": "en",
        "content-length": "16",
    }


@pytest.mark.parametrize("host, times", {API: 1, FRESH: 2}.items(), ids=["max_age 7200", "max_age 0"])
def test_how_long_a_preflight_is_kept(chromium, access_log, host, times):
    path = f"{CART}?kept-by-{host}"
    with SITES["app"].visit(chromium.profile()) as (page, _):
        for total in (1, 2):
            assert f'"total":{total}' in read(page, path, {**TEA, **COOKIES["include"]}, host=host)["body"]
        read(page, f"{path}-last")
    access_log.line(f"{path}-last")
    methods = [it["method"] for it in access_log.lines(path)]
    assert (methods.count("OPTIONS"), methods.count("POST")) == (times, 2)


COUNTER = f"{metrics.PREFIX}origin_gate_answers_with_dropped_cookies"


@pytest.mark.parametrize(
    "site, host, totals",
    [("app", API, [1, 2, 0]), ("abroad", API, [1, 2, 0]), ("app", LAX, [1, 2, 0]), ("abroad", LAX, [1, 1, 0])],
)
def test_the_cart_is_kept_if_its_cookie_is(chromium, shop, site, host, totals):
    """A page of another site loses a cookie that is not marked for it; that is counted, and that alone."""
    before = shop.counted(COUNTER)[COUNTER]
    with SITES[site].visit(chromium.usual_profile()) as (page, _):
        calls = [{**TEA, **COOKIES["include"]}] * 2 + [COOKIES["omit"]]
        found = [json.loads(read(page, CART, it, host=host)["body"])["total"] for it in calls]
    assert found == totals
    is_lost = (site, host) == ("abroad", LAX)
    assert (shop.counted(COUNTER)[COUNTER] > before) == is_lost


def test_a_redirect_is_followed(chromium):
    with SITES["app"].visit(chromium.profile()) as (page, _):
        found = read(page, "/old/", COOKIES["include"])
    assert (found["status"], found["url"]) == (200, url(CART))


def test_a_redirect_to_a_third_origin_comes_from_nobody(chromium, access_log):
    """As the Fetch standard has it: what follows such a redirect says `null`, which no list can tell from strangers."""
    with SITES["app"].visit(chromium.profile()) as (page, console):
        assert read(page, "/away/", COOKIES["include"]) == NOTHING
        at = f"'{url(CART, IMAGES)}?away' (redirected from '{url('/away/')}')"
        message = f"Access to fetch at {at} from origin '{ALLOWED}' has been blocked by CORS policy: {NO_HEADER}"
        assert console.wait_for(message), console.messages
    assert access_log.line(f"{CART}?away")["finding"] == "cors:rejected:origin_null"
