"""The site in Chromium: filters, formulas, figures, both themes, nothing fetched, nothing wide."""

from __future__ import annotations

import json
import os
import shutil
from urllib.parse import urlsplit

import pytest
from real_report import REAL, combined
from synthetic_report import synthetic_benchmark, synthetic_map

from simulations.app.report import build

# Without the flags on background work Chromium asks hosts of its maker at every start.
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip
PHONE, DESKTOP = (360, 740), (1280, 900)
CLAIM = "claims/toy-norms/lemma-2.html"


def _missing(what):
    reason = f"no {what} (.ci/browser installs Chromium, the extra `browser` Selenium)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize(("ci", "outcome"), [("true", "fail"), ("", "skip")])
def test_a_missing_browser_fails_in_ci_and_is_skipped_elsewhere(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(getattr(pytest, outcome).Exception, match="no Chromium"):
        _missing("Chromium")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        _missing("Selenium")
    browser, helper = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or helper is None:
        _missing("Chromium with its driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(helper))
    made.get("about:blank")
    # What the browser shows of its own accord at its start is none of the site's.
    for kind in ("browser", "performance"):
        made.get_log(kind)
    yield made
    made.quit()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build(*combined(), folder, maps=[synthetic_map()], benchmarks=[synthetic_benchmark()])
    return folder


@pytest.fixture
def visit(driver, site):
    """Open a page of the site at a size and in a theme."""

    def go(page, size=DESKTOP, theme="light"):
        width, height = size
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        feature = {"name": "prefers-color-scheme", "value": theme}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        driver.get("about:blank")
        driver.get(f"{site.as_uri()}/{page}")
        return driver

    yield go
    requested = [
        message["params"]["request"]["url"]
        for entry in driver.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    assert any(url.startswith("file:") for url in requested)
    assert {urlsplit(url).scheme for url in requested} <= {"file", "data", "about"}, requested
    assert driver.get_log("browser") == []


def _shown(driver):
    """Ids of the claims on the page, as a reader sees them."""
    return driver.execute_script(
        "return [...document.querySelectorAll('tr[data-words]')]"
        ".filter(row => row.checkVisibility()).map(row => row.querySelector('.id').innerText)"
    )


def _set(driver, name, value):
    driver.execute_script(
        "const field = document.getElementById('filters').elements[arguments[0]];"
        "field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', {bubbles: true}))", name, value,
    )  # fmt: skip


TOY = [f"toy-norms/lemma-{name}" for name in ("2", "3", "3.repaired", "4", "10")]
ALL = [*sorted(REAL), *TOY]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("paper", "toy-norms", TOY),
        ("kind", "law", ["adaptive-norms/proposition-1"]),
        ("verdict", "refuted", ["adaptive-norms/lemma-9", "toy-norms/lemma-3"]),
        ("evidence", "scaling", ["local-geometry/two-number-reduction.order", TOY[0]]),
        ("text", "REPAIRED  statement", [TOY[2]]),
        ("text", "wigner", ["adaptive-norms/proposition-1"]),
        ("text", "no such words", []),
    ],
)
def test_each_filter(visit, name, value, found):
    driver = visit("index.html")
    assert _shown(driver) == ALL
    _set(driver, name, value)
    assert _shown(driver) == found
    told = driver.execute_script("return document.getElementById('filter-found').value")
    assert told == f"{len(found)} of {len(ALL)} claims"
    assert driver.find_element("id", "filter-nothing").is_displayed() == (not found)
    assert name in driver.current_url.partition("#")[2]


def test_filters_combine_are_kept_in_the_address_and_reset(visit):
    driver = visit("index.html#verdict=supported&evidence=search")
    assert _shown(driver) == [TOY[4]]
    _set(driver, "verdict", "")
    _set(driver, "paper", "toy-norms")
    assert _shown(driver) == [TOY[0], TOY[4]]
    driver.find_element("css selector", "#filters button").click()
    driver.execute_async_script("setTimeout(arguments[0], 20)")
    assert _shown(driver) == ALL
    assert "#" not in driver.current_url
    driver.find_element("css selector", ".tile.refuted").click()
    driver.execute_async_script("setTimeout(arguments[0], 20)")
    assert _shown(driver) == ["adaptive-norms/lemma-9", TOY[1]]


def test_a_search_field_takes_keys(visit):
    driver = visit("index.html")
    driver.find_element("id", "filter-text").send_keys("lemma-10")
    assert _shown(driver) == [TOY[4]]


def test_a_page_of_a_real_claim_shows_its_proof_and_its_figure(visit):
    driver = visit(f"claims/{REAL[0]}.html", PHONE)
    steps = driver.find_elements("css selector", "ol.steps li math")
    assert len(steps) >= 3
    assert all(step.size["height"] > 12 for step in steps)
    assert driver.find_element("css selector", "figure svg").size["height"] > 100


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_claim_page_shows_formula_and_figure(visit, size):
    driver = visit(CLAIM, size)
    formula, norm, words = driver.execute_script(
        "const formula = document.querySelector('.statement .display math');"
        "const box = e => [e.getBoundingClientRect().width, e.getBoundingClientRect().height];"
        "return [box(formula), box(formula.querySelector('msub')), formula.textContent]"
    )
    # Laid out as mathematics: the subscript makes the pair taller than a line of text.
    assert formula[0] > 60
    assert norm[1] > 12
    assert "‖" in words
    for image in driver.find_elements("css selector", ".plot svg"):
        assert image.is_displayed()
        assert image.size["width"] > 0.8 * min(size[0], 640)
        assert image.size["height"] > 100
        assert image.accessible_name


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_window(visit, site, size):
    for file in sorted(site.rglob("*.html")):
        page = file.relative_to(site).as_posix()
        driver = visit(page, size)
        width, wide = driver.execute_script(
            "const room = innerWidth, wide = [];"
            "for (const e of document.body.querySelectorAll('*')) {"
            "  if (e.closest('.scroll, pre, .display, svg, math, .skip, thead, .wide')) continue;"
            "  if (e.getBoundingClientRect().right > room + 1) wide.push(e.outerHTML.slice(0, 90));"
            "}"
            "return [document.documentElement.scrollWidth, wide]"
        )
        assert (width, wide) == (size[0], []), page


def _luminance(driver, element, what):
    """Relative luminance (0 black, 1 white) of a colour as the browser computes it."""
    colour = element.value_of_css_property(what)
    red, green, blue = (int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
              for c in (red / 255, green / 255, blue / 255)]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_badges_have_contrast_in_both_themes(visit, theme):
    driver = visit("index.html", theme=theme)
    page = _luminance(driver, driver.find_element("tag name", "body"), "background-color")
    assert (page < 0.1) == (theme == "dark")
    badges = driver.find_elements("css selector", ".claims .badge")
    texts = driver.find_elements("css selector", ".item, .intro, h1, .claims a")
    for element, behind in [*((b, None) for b in badges), *((t, page) for t in texts)]:
        front = _luminance(driver, element, "color")
        back = behind or _luminance(driver, element, "background-color")
        # The least contrast that WCAG 2.1 (AA) asks of text.
        assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.5, element.text


def test_figures_follow_the_theme_and_maps_keep_their_colours(visit):
    paper = "return getComputedStyle(document.querySelector('.plot svg path')).fill"
    light, dark = (visit(CLAIM, theme=t).execute_script(paper) for t in ("light", "dark"))
    assert light == "rgb(255, 255, 255)"
    assert dark != light
    assert visit("maps.html", theme="dark").execute_script(paper) == "rgb(255, 255, 255)"


def test_print_shows_the_page_without_its_controls(visit):
    driver = visit("index.html")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not driver.find_element("id", "filters").is_displayed()
    assert not driver.find_element("css selector", "header nav").is_displayed()
    assert driver.find_element("css selector", ".claims").is_displayed()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_page_without_script_shows_every_claim(visit):
    driver = visit("index.html")
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.refresh()
        rows = driver.find_elements("css selector", "tr[data-words]")
        assert len(rows) == len(ALL)
        assert all(row.is_displayed() for row in rows)
        assert not driver.find_element("id", "filters").is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
