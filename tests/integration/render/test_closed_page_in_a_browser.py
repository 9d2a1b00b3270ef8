"""People can read the page of a closed service: on a telephone, at a desk, by a screen reader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Request, ViewportSize, sync_playwright

from debian import program
from jitsi_tenant_operator.render import closed
from jitsi_tenant_operator.render.closed import Closed, ClosedReason

if TYPE_CHECKING:
    from tests.integration.render.conftest import Serve

TOLD = [
    *(
        Closed(
            reason=reason,
            application_name="ACME Visio",
            provider_name="ACME SAS",
            until=datetime(2026, 9, 4, 12, 30, tzinfo=UTC),
            retrieval_until=date(2026, 11, 3),
            support_email="support@example.net",
            support_telephone="+33 1 23 45 67 89",
            support_hours="du lundi au vendredi, 9 h - 18 h",
        )
        for reason in ClosedReason
    ),
    Closed(reason=ClosedReason.SUSPENDED, application_name="W" * 128),
]
TELEPHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=800)
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(28, 34, 42)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program("chromium"))
        yield found
        found.close()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("told", TOLD, ids=lambda told: f"{told.reason}-{told.name[:4]}")
def test_it_can_be_read(serve: Serve, browser: Browser, told: Closed, language: str) -> None:
    url = f"{serve(closed.files(told)).url}/TeamMeeting"
    with browser.new_page(viewport=TELEPHONE, locale=language, color_scheme="light") as page:
        requests = noted_requests(page)
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 503
        assert page.locator("html").get_attribute("lang") == language
        # The policy lets the style through, and nothing else is asked for.
        assert colour(page) == LIGHT
        assert requests == [url]
        assert width(page) == TELEPHONE["width"]
        assert problems(page) == []
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="dark")
        assert colour(page) == DARK
        assert width(page) == DESK["width"]
        assert problems(page) == []


def colour(page: Page) -> str:
    """What is behind the text."""
    found: str = page.locator("main").evaluate("each => getComputedStyle(each).backgroundColor")
    return found


def width(page: Page) -> int:
    """How wide the page is: wider than the window, it would have to be scrolled sideways."""
    found: int = page.evaluate("document.documentElement.scrollWidth")
    return found


def noted_requests(page: Page) -> list[str]:
    """The addresses of all requests that the page makes from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        found.append(request.url)

    page.on("request", note)
    return found


def problems(page: Page) -> list[str]:
    """What the accessibility rules find wrong, or could not tell."""
    found = Axe().run(page).response
    return [
        f"{rule['id']}: {node['html']}"
        for rule in (*found["violations"], *found["incomplete"])
        for node in rule["nodes"]
    ]
