"""Which names a studio answers to, and whose pages may ask."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ga2app.paths import version
from ga2app.web import own_names
from ga2app.web.own_names import OwnNames, SafeHeaders

from .studios import Served

HERE, EVERYWHERE, KEY = "127.0.0.1", "0.0.0.0", "the key"


def answer(listens: str, *, on_space: bool = False, **headers: str) -> int:
    guard = Middleware(OwnNames, listens, ["studio.lab.example"], on_space=on_space, key=KEY if on_space else "")
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("open"))], middleware=[guard])
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return TestClient(app).get("/", headers=sent).status_code


@pytest.mark.parametrize(
    ("listens", "host", "status"),
    [
        (HERE, "127.0.0.1:7860", 200),
        (HERE, "LOCALHOST:7860", 200),
        (HERE, "[::1]:7860", 200),
        (HERE, "studio.lab.example", 200),
        (HERE, "another.example:7860", 421),
        (HERE, "192.168.1.5:7860", 421),
        ("[::1]", "localhost:7860", 200),
        ("192.168.1.5", "192.168.1.5:7860", 200),
        (EVERYWHERE, "192.168.1.5:7860", 200),
        (EVERYWHERE, "[fe80::1]:7860", 200),
        (EVERYWHERE, "gpu1:7860", 200),
        (EVERYWHERE, "gpu1.local", 200),
        (EVERYWHERE, "gpu1.lab.example", 200),
        (EVERYWHERE, "another.example", 421),
        (EVERYWHERE, "[half:7860", 421),
    ],
)
def test_a_studio_answers_to_names_that_no_stranger_can_lead_to_it(
    listens: str, host: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_names, "_machine_names", lambda: {"gpu1.lab.example"})
    assert answer(listens, Host=host) == status


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:7860", "http://127.0.0.1:7860", 200),
        ("127.0.0.1:7860", "http://localhost:7860", 200),
        ("127.0.0.1:7860", "https://studio.lab.example", 200),
        ("127.0.0.1:7860", "https://another.example", 403),
        ("127.0.0.1:7860", "null", 403),
        ("127.0.0.1:7860", "", 403),
    ],
)
def test_a_page_of_another_site_is_refused_and_one_of_the_studio_is_not(host: str, origin: str, status: int) -> None:
    assert answer(HERE, Host=host, Origin=origin) == status


def test_a_space_has_any_name_but_its_pages_are_its_own_unless_a_program_shows_the_key() -> None:
    def asked(**headers: str) -> int:
        return answer(EVERYWHERE, on_space=True, Host="alice-studio.example", **headers)

    assert asked() == 200
    assert asked(Origin="https://alice-studio.example") == 200
    assert asked(Origin="https://another.example") == 403
    assert asked(Origin="https://another.example", X_GA2_Key="another key") == 403
    assert asked(Origin="https://another.example", X_GA2_Key=KEY) == 200


@pytest.mark.parametrize(("on_space", "frames"), [(False, "'self'"), (True, "'self' https://huggingface.co")])
def test_an_answer_is_framed_by_nobody_but_the_studio_and_on_a_space_by_the_hub(on_space: bool, frames: str) -> None:
    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("open", headers={"Content-Security-Policy": "sandbox"})

    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(SafeHeaders, on_space=on_space)])
    headers = TestClient(app).get("/").headers
    assert headers["Content-Security-Policy"] == f"sandbox, frame-ancestors {frames}"
    assert headers.get("X-Frame-Options") == (None if on_space else "SAMEORIGIN")
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")


def test_what_others_do_here_is_shown_at_no_address(served: Served) -> None:
    for path in ("monitoring", "monitoring/summary", "gradio_api/monitoring/summary", "monitoring/key"):
        assert httpx.get(f"{served.address}/{path}").status_code in (403, 404), path
    page = httpx.get(served.address)
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN" and f"GA² Studio {version()}" in page.text
