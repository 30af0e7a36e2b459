"""The Cards port over Slack's Web API: reads rows, builds blocks, posts or edits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot import plots
from bot.annotations import annotated
from bot.blocks.approval_card import ApprovalFacts, approval_text, build_approval_card, diff_is_cut
from bot.blocks.incident_card import SHOWN_ACTIONS, build_incident_card, incident_text
from bot.blocks.needs import lacking
from bot.blocks.note import build_note, note_text
from bot.blocks.plan_steps import stopped_at
from bot.blocks.report_message import answer_is_cut, build_report, report_text
from bot.blocks.request_name import request_name
from bot.blocks.text import inert
from bot.cards.card_links import CardLinks
from bot.cards.channels import ChannelBook
from bot.cards.files import ThreadFiles
from bot.cards.poster import Poster
from bot.cards.progress import ProgressMessages
from bot.identifiers import APPROVAL_CARD, INCIDENT_CARD, NOTE, REPORT_CARD
from bot.web.links import TimelineLinks
from core.approval import NOTHING_RAN, ApprovalRequest, ApprovalStatus, Vote
from core.brief import Brief, Place
from core.errors import NoDataError, TransientError
from core.evidence import Evidence, Report, latest_look
from core.exact_call import exact_plan, plan_fits
from core.freeze import Freeze
from core.ids import again_id_of, approval_id_of, incident_thread_id
from core.ports import ApprovalQueue, Approvals, Audit, Directory, Incidents, Reports
from core.services.grant_book import GrantBook
from core.services.known_bad import KnownBad
from core.services.membership import out_of_reach
from core.services.needs_human import calls_for_humans
from core.services.remediation_rows import rows_of
from core.stepped_plan import as_whole

_log = structlog.get_logger(__name__)
_PLOTS = 2
Lease = Callable[[str], AbstractAsyncContextManager[object]]


async def _never_frozen() -> Freeze:
    return Freeze()


def alone(_name: str) -> AbstractAsyncContextManager[object]:
    """Return the lease of a process that shares its cards with no other."""
    return nullcontext()


class SlackCards:
    """Implements core.ports.Cards; `incident_channel` is an id or #name, `banner` says why nothing can be changed, and
    `freeze` who has stopped everything.

    `lease(name)` excludes every other process: two that look for a card at the same moment would both post it, and an
    edit that waits would come after one that knows more. Sentences go without it, so that an outage can be told."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        incidents: Incidents,
        reports: Reports,
        approvals: Approvals,
        approval_queue: ApprovalQueue,
        audit: Audit,
        directory: Directory,
        links: TimelineLinks,
        incident_channel: str,
        banner: Callable[[], str] = str,
        freeze: Callable[[], Awaitable[Freeze]] = _never_frozen,
        grants: GrantBook | None = None,
        lease: Lease = alone,
        pace: timedelta = timedelta(seconds=1.2),
    ) -> None:
        self._incidents = incidents
        self._reports = reports
        self._approvals = approvals
        self._approval_queue = approval_queue
        self._audit = audit
        self._directory = directory
        self._links = links
        self._incident_channel = incident_channel
        self._banner = banner
        self._freeze = freeze
        self._grants = grants
        self._lease = lease
        self._card_links = CardLinks(client)
        self._known_bad = KnownBad(approval_queue, reports, audit)
        self._channels = ChannelBook(client)
        self._poster = Poster(client)
        self._files = ThreadFiles(client, self._poster)
        self._progress = ProgressMessages(self._poster, self._has_report, pace.total_seconds())

    async def show_incident(self, incident_id: str) -> Place:
        """Post or refresh the incident's card; returns where its thread is, without a ts while it cannot be shown."""
        async with self._turn(INCIDENT_CARD, incident_id):
            incident = await self._incidents.load(incident_id)
            reports = await self._reports.of_thread(incident_thread_id(incident.id))
            requests = await self._approval_queue.of(incident_id=incident.id)
            report = latest_look(reports)
            calls = [str(call.details.get("what", "")) for call in await calls_for_humans(self._audit, incident.id)]
            link, banner = self._links.url(incident.id), self._banner()
            freeze = await self._freeze()
            urls = {each.id: await self._card_links.url(each) for each in requests[-SHOWN_ACTIONS:]}
            blocks = build_incident_card(
                incident,
                report,
                requests,
                link,
                needs_human=calls,
                banner=banner,
                freeze=freeze,
                urls=urls,
                elsewhere=await self._elsewhere(report) if report else "",
            )
            root = Place(channel=incident.channel or await self._channels.id_of(self._incident_channel), thread_ts="")
            text = incident_text(incident, report, requests)
            facts = {"status": incident.status.value, "service": incident.service}
            ts = await self._poster.show(INCIDENT_CARD, incident.id, text, blocks, root, incident.thread_ts, facts)
            if ts and ts != incident.thread_ts:
                await self._incidents.place(incident.id, root.channel, ts)
        return Place(channel=root.channel, thread_ts=ts)

    async def show_progress(self, brief: Brief, done: Sequence[str], doing: Sequence[str]) -> None:
        """Tell in the brief's thread what has been looked at and what is being looked at."""
        await self._progress.tell(brief, done, doing)

    async def show_report(self, report_id: str, place: Place) -> None:
        """Post or refresh the report in its thread: it takes the place of the progress, plots follow under it."""
        report = await self._report(report_id)
        async with self._turn(REPORT_CARD, report_id):
            self._progress.end(report_id)
            blocks = build_report(report, self._evidence_urls(report), await self._elsewhere(report))
            await self._poster.show(
                REPORT_CARD, report_id, report_text(report), blocks, place, facts=report_facts(report)
            )
        if answer_is_cut(report):
            await self._files.attach_text(place, f"{report.id}-answer.md", "The whole answer", report.answer)
        incident = await self._incidents.load(report.incident_id) if report.incident_id else None
        for evidence in worth_drawing(report)[:_PLOTS]:
            png = await plots.render(annotated(evidence, report, incident), title=f"{evidence.id} {evidence.title}")
            name = f"{report.id}-{evidence.id}.png"
            title = f"{evidence.id} {evidence.title}"
            await self._files.attach_image(place, name, title, png, alt_text=f"{title}: {evidence.summary}"[:900])

    async def show_approval(self, approval_id: str) -> None:
        """Post or refresh the approval card, with files beside it for what is too long for it; a later step that is
        approved with its plan has that plan's card."""
        request = await self._approvals.load(approval_id)
        if request.covered_by is not None:
            await self.show_approval(request.covered_by)
            return
        async with self._turn(APPROVAL_CARD, approval_id):
            request, rows = await self._whole(approval_id)
            void = await self._void(request)
            gone = [vote for vote, _ in void]
            request = request.model_copy(update={"votes": tuple(vote for vote in request.votes if vote not in gone)})
            place = Place(channel=request.channel, thread_ts=request.thread_ts)
            blocks = build_approval_card(request, replace(await self._facts(request, rows), void=void))
            text = approval_text(request, rows)
            facts = {"status": request.status.value, "tool": request.plan.call.name, "service": request.plan.service}
            ts = await self._poster.show(APPROVAL_CARD, request.id, text, blocks, place, request.card_ts, facts)
            stood = bool(request.card_ts)
            if ts and ts != request.card_ts:
                await self._approval_queue.place(request.id, ts)
        if request.reopens and not stood:
            await self.show_approval(request.reopens)  # it says now that it was asked again
        if not plan_fits(request.plan):
            whole = exact_plan(request.plan)
            await self._files.attach_text(place, f"{request.id}-call.txt", f"The whole call of {request.digest}", whole)
        if diff_is_cut(request):
            await self._files.attach_text(place, f"{request.id}-dry-run.diff", "The whole dry run", request.plan.diff)
        await self._refresh_incident_of(request)

    async def say(self, place: Place, text: str, *, key: str) -> None:
        """Post a plain sentence once for each `key`: into the thread, or without a channel into that of incidents."""
        if not place.channel:
            place = Place(channel=await self._channels.id_of(self._incident_channel), thread_ts="")
        async with self._poster.turn(NOTE, key):
            if not await self._poster.find(NOTE, key, place):
                await self._poster.show(NOTE, key, note_text(text), build_note(text), place)

    @asynccontextmanager
    async def _turn(self, kind: str, subject: str) -> AsyncIterator[None]:
        async with self._poster.turn(kind, subject), self._lease(f"card:{subject}"):
            yield

    async def _has_report(self, report_id: str) -> bool:
        return await self._reports.load(report_id) is not None

    async def _report(self, report_id: str) -> Report:
        report = await self._reports.load(report_id)
        if report is None:
            raise NoDataError(f"There is no report {report_id}.")
        return report

    def _evidence_urls(self, report: Report) -> dict[str, str]:
        subject = report.incident_id or report.id
        urls = {item.id: self._links.url(subject, anchor=f"{report.id}-{item.id}") for item in report.evidence}
        return {key: url for key, url in (urls | {"": self._links.url(subject)}).items() if url}

    async def _whole(self, approval_id: str) -> tuple[ApprovalRequest, tuple[ApprovalRequest, ...]]:
        """Return a request as its card shows it, and all requests of its run if it has a plan of several steps."""
        request = await self._approvals.load(approval_id)
        if not request.plan.then:
            return request, ()
        rows = await rows_of(self._approvals, request.thread_id)
        return as_whole(request, rows), tuple(rows)

    async def _facts(self, request: ApprovalRequest, rows: tuple[ApprovalRequest, ...] = ()) -> ApprovalFacts:
        report = await self._reports.load(request.report_id) if request.report_id else None
        evidence, seen = (), None
        if report is not None and report.evidence:
            urls = self._evidence_urls(report)
            shown = cited_first(report)[:4]
            evidence = tuple((item.id, f"{item.title}: {item.summary}", urls.get(item.id, "")) for item in shown)
            seen = any(is_about(item, request.plan.service) for item in report.evidence)
        return ApprovalFacts(
            approvers=await self._names(request),
            evidence=evidence,
            target_seen=seen,
            timeline_url=self._links.url(request.incident_id or request.report_id or ""),
            banner=self._banner(),
            freeze=await self._freeze(),
            asked_again=await self._name_of(await self._asked_again(stopped_at(request, rows))),
            rows=rows,
            grantable=await self._grantable(request),
            grants=await self._grants.that_voted(request) if self._grants else (),
            reopens=await self._name_of(request.reopens),
            instead_of=await self._name_of(report.after_rejection_of if report else None),
            undoes=await self._name_of(request.rollback_of),
            lacks=await self._lacks(request),
            known_bad=await self._known_bad.warning(request.plan.call, request.incident_id, request.report_id)
            if request.status is ApprovalStatus.PENDING
            else "",
        )

    async def _lacks(self, request: ApprovalRequest) -> str:
        """Return what a waiting request would lack whoever approved it."""
        if request.status is not ApprovalStatus.PENDING:
            return ""
        try:
            return lacking(*await out_of_reach(self._directory, request))
        except (NoDataError, TransientError) as error:
            _log.warning("approvers_not_counted", approval_id=request.id, error=str(error))
            return ""

    async def _void(self, request: ApprovalRequest) -> tuple[tuple[Vote, str], ...]:
        """Return the votes of grants that count no more on a request that waits."""
        if self._grants is None or request.status is not ApprovalStatus.PENDING:
            return ()
        return tuple(await self._grants.void(request))

    async def _grantable(self, request: ApprovalRequest) -> bool:
        try:
            return self._grants is not None and await self._grants.may_be_given(request)
        except (NoDataError, TransientError) as error:
            _log.warning("grant_not_offered", approval_id=request.id, error=str(error))
            return False

    async def _name_of(self, approval_id: str | None) -> str:
        """Return what people call that request, linked to its card; an empty text for none."""
        if not approval_id:
            return ""
        try:
            request = await self._approvals.load(approval_id)
        except NoDataError:
            return ""
        return request_name(request, await self._card_links.url(request))

    async def _elsewhere(self, report: Report) -> str:
        """Return a link to the card that asks for the same already, or an empty text; our ids tell what it is."""
        if not report.elsewhere or report.elsewhere.startswith("apr_"):
            return await self._name_of(report.elsewhere)
        try:
            incident = await self._incidents.load(report.elsewhere)
        except NoDataError:
            return ""
        url = await self._card_links.at(incident.channel, incident.thread_ts)
        name = f"{incident.id}: {inert(incident.title, 150)}"
        return f"<{url}|{name}>" if url else name

    async def _asked_again(self, request: ApprovalRequest) -> str:
        """Return the id of the request that was made in place of one that ended without a run."""
        if request.status not in NOTHING_RAN:
            return ""
        try:
            return (await self._approvals.load(approval_id_of(again_id_of(request.id), 1))).id
        except NoDataError:
            return ""

    async def _names(self, request: ApprovalRequest) -> tuple[str, ...]:
        needed = request.requirement
        try:
            members = set(await self._directory.members(needed.members))
            members -= {request.requester} if needed.exclude_requester else set()
            people = await asyncio.gather(*(self._directory.person(member) for member in sorted(members)[:12]))
        except (NoDataError, TransientError) as error:
            _log.warning("approvers_not_named", approval_id=request.id, error=str(error))
            return ()
        return tuple(sorted(person.name for person in people if person.may_decide))

    async def _refresh_incident_of(self, request: ApprovalRequest) -> None:
        if request.incident_id is not None:
            try:
                await self.show_incident(request.incident_id)
            except NoDataError:
                _log.warning("incident_card_not_refreshed", incident_id=request.incident_id)


def report_facts(report: Report) -> dict[str, str]:
    """Return what other programs may want to know of a report: its best cause and what it proposes, if anything."""
    best = report.hypotheses[0] if report.hypotheses else None
    return {
        "cause": best.cause if best else "unknown",
        "service": best.service if best else "",
        "tool": report.proposal.name if report.proposal else "",
        "mind": report.mind,
    }


def worth_drawing(report: Report) -> list[Evidence]:
    """Return what the best hypothesis rests on and has lines to draw; without such, the first that has."""
    drawn = [item for item in cited_first(report) if any(len(line.points) > 1 for line in item.series)]
    cited = report.hypotheses[0].evidence_ids if report.hypotheses else ()
    return [item for item in drawn if item.id in cited] or drawn[:1]


def cited_first(report: Report) -> list[Evidence]:
    """Return the evidence in order, what the best hypothesis rests on first."""
    cited = report.hypotheses[0].evidence_ids if report.hypotheses else ()
    return sorted(report.evidence, key=lambda item: (item.id not in cited, item.status != "ok"))


def is_about(evidence: Evidence, service: str) -> bool:
    """True when the evidence was taken from that service."""
    return service in (evidence.service, evidence.call.args.get("service"))
