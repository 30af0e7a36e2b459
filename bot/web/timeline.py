"""The timeline page: all that is known and was done about an incident or question, read-only, by signed link."""

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.blocks.wording import RISK_WORDS, STATUS_SENTENCES, STATUS_TITLES, confidence_words
from bot.trail import Trail, Trails
from bot.web.links import link_is_valid, signed_link
from bot.web.svg_plot import build_svg
from bot.web.timeline_entries import build_entries, build_figures, people_in
from core.errors import NoDataError, TransientError, WatchkeeperError
from core.exact_call import exact_call
from core.ports import ApprovalQueue, Audit, Clock, Directory, Effects, Incidents, Reports

__all__ = ["signed_link", "timeline_routes"]

_log = structlog.get_logger(__name__)
_MAX_JSON = 20_000
_SPAN = re.compile(r"\*\*(?P<bold>[^*\n]+)\*\*|`(?P<code>[^`\n]+)`")
_CLOSED = ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'")
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def _pretty(value: object) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_JSON else f"{text[:_MAX_JSON]}\n… {len(text) - _MAX_JSON:,} characters more"


def _prose(text: str) -> Markup:
    parts: list[Markup] = []
    end = 0
    for found in _SPAN.finditer(text):
        tag = Markup("<strong>{}</strong>") if found["bold"] else Markup("<code>{}</code>")
        parts += [escape(text[end : found.start()]), tag.format(found["bold"] or found["code"])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def _environment() -> Environment:
    folder = Path(__file__).parent / "templates"
    pages = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    pages.filters |= {
        "pretty": _pretty,
        "utc": lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
        "clock": lambda at: at.strftime("%H:%M:%S"),
        "exact": exact_call,
        "confidence": confidence_words,
        "plot": build_svg,
        "prose": _prose,
    }
    pages.globals |= {"STATUS": STATUS_TITLES, "SENTENCE": STATUS_SENTENCES, "RISK": RISK_WORDS}
    return pages


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Answers GET /timeline/{subject} for whoever holds a link that we signed."""

    trails: Trails
    clock: Clock
    secret: str
    directory: Directory | None
    pages: Environment

    async def handle_get(self, request: Request) -> Response:
        """200 with the page, 403 for a link that is forged or has run out, 404 for a subject that is gone."""
        subject = str(request.path_params["subject"])
        query = request.query_params
        now = self.clock.now()
        if not link_is_valid(self.secret, subject, query.get("expires", ""), query.get("signature", ""), now):
            return self._page("closed.html", 403)
        try:
            trail = await self.trails.of(subject)
        except NoDataError:
            return self._page("closed.html", 404)
        return self._page(
            "timeline.html",
            200,
            trail=trail,
            entries=build_entries(trail),
            figures=build_figures(trail, now),
            names=await self._names(trail),
            now=now,
        )

    async def _names(self, trail: Trail) -> dict[str, str]:
        names: dict[str, str] = {}
        for person_id in sorted(people_in(trail))[:50] if self.directory is not None else []:
            try:
                assert self.directory is not None
                names[person_id] = (await self.directory.person(person_id)).name
            except (WatchkeeperError, TransientError) as error:
                _log.info("name_not_known", person=person_id, error=str(error))
        return names

    def _page(self, template: str, status: int, **values: object) -> Response:
        nonce = secrets.token_urlsafe(12)
        policy = "; ".join(("default-src 'none'", f"style-src 'nonce-{nonce}'", *_CLOSED))
        html = self.pages.get_template(template).render(nonce=nonce, status=status, **values)
        # Logs may hold lone surrogates, which UTF-8 cannot.
        return HTMLResponse(
            html.encode("utf-8", "replace"), status, headers=_HEADERS | {"Content-Security-Policy": policy}
        )


def timeline_routes(
    *,
    incidents: Incidents,
    reports: Reports,
    approvals: ApprovalQueue,
    effects: Effects,
    audit: Audit,
    clock: Clock,
    secret: str,
    directory: Directory | None = None,
) -> list[Route]:
    """Return the page's routes; `secret` is the one that signed the links, `directory` gives ids their names."""
    trails = Trails(incidents, reports, approvals, effects, audit)
    page = TimelinePage(trails, clock, secret, directory, _environment())
    return [Route("/timeline/{subject}", page.handle_get, methods=["GET"])]
