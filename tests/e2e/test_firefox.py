"""Which requests of a real Firefox ask CORS nothing: as those of Chromium in `test_browser_not_cors.py`."""

import pytest

import firefox

if not firefox.find():
    pytest.skip("needs Firefox, which is not installed (on Debian: firefox-esr)", allow_module_level=True)
pytest.importorskip("test_browser_not_cors")

import test_browser_not_cors as others
from test_browser_not_cors import gate  # noqa: F401

# It has pings switched off, and hides the origin of whatever asks CORS nothing where Chromium hides that of forms alone.
REQUESTS = {name: it for name, it in others.REQUESTS.items() if name != "a ping"}
*sent, _, finding = REQUESTS["the same, of a page without Referer"]
REQUESTS["the same, of a page without Referer"] = (*sent, ("null", "no-cors", "same-origin"), finding)


@pytest.fixture(scope="module")
def browser(gate):  # noqa: F811
    with firefox.firefox(gate.names) as found:
        yield found


@pytest.mark.parametrize("name", REQUESTS)
def test_a_rejection_is_an_answer_that_is_kept_from_a_page(gate, browser, access_log, name):  # noqa: F811
    page_url, send, host, learnt, said, finding = REQUESTS[name]
    status = 201 if send is others.framed_form else 200
    path = f"/backend/{status}?firefox-{name.replace(' ', '-').replace(',', '')}"
    before = sum(gate.counted(others.REJECTED).values())
    with browser.visit(page_url) as page:
        assert send(page, f"https://{host}{path}") == learnt
        line = access_log.line(path)
    assert ((line["origin"], line["mode"], line["site"]), line["finding"]) == (said, finding)
    assert sum(gate.counted(others.REJECTED).values()) - before == (finding == others.REJ)
