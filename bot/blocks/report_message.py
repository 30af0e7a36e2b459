"""The report: the verdict first, then causes, evidence and what it cost to find out."""

import re

from bot.blocks import budget, rich
from bot.blocks.exact_call import inline_call
from bot.blocks.prose import build_prose
from bot.blocks.text import Block, context, inert, one_line
from bot.blocks.wording import confidence_words
from core.evidence import Evidence, Report

ANSWER_BYTES = 3000
_VERDICT = re.compile(r"([^*`#\n-][^*`\n]{5,200}?[.!?])(?=\s|$)")
_SIGNS = {"ok": "", "no_data": " (no data)", "failed": " (failed)", "refused": " (refused)"}


def report_text(report: Report) -> str:
    """The verdict in one line, for notifications and screen readers."""
    return inert(report.answer.replace("`", ""), 300) or "No answer was found."


def build_report(report: Report, urls: dict[str, str], elsewhere: str = "") -> list[Block]:
    """Return the message; `urls` maps evidence ids and "" (the timeline) to addresses, `elsewhere` leads to the card
    that asks for the same already (our own mrkdwn); see also `answer_is_cut`."""
    for evidence_shown in (6, 3, 0):
        blocks = _message(report, urls, evidence_shown, elsewhere)
        if budget.fits(blocks):
            break
    return blocks


def answer_is_cut(report: Report) -> bool:
    """True when the answer is too long for one message, so that it also goes into the thread as a file."""
    return len(report.answer.encode("utf-8", "replace")) > ANSWER_BYTES


def _message(report: Report, urls: dict[str, str], evidence_shown: int, elsewhere: str) -> list[Block]:
    answer, cut = budget.head(report.answer, ANSWER_BYTES)
    blocks = [build_prose(_with_verdict(answer))]
    if cut:
        blocks.append(context("The whole answer is in the thread as a file."))
    if report.degraded:
        blocks.append(context(f"⚠️ *Degraded:* {inert(report.degraded)}. The deterministic investigator answered."))
    if report.hypotheses:
        blocks.append(_causes(report, urls))
    if report.evidence and evidence_shown:
        blocks.append(_evidence(report, urls, evidence_shown))
    if report.proposal is not None:
        proposal = rich.words(", then ".join(map(inline_call, (report.proposal, *report.then))), "code")
        blocks.append(
            rich.block(rich.line(rich.words("Proposed: ", "bold"), proposal, rich.words(" (needs approval)")))
        )
    if elsewhere:
        blocks.append(context(f"➡️ {elsewhere}"))
    return [*blocks, context(_cost(report, urls.get("", "")))]


def _with_verdict(answer: str) -> str:
    # The first sentence is what an on-call engineer reads first; an answer with marks of its own is left alone.
    found = _VERDICT.match(answer)
    return f"**{found[1]}**{answer[found.end(1) :]}" if found else answer


def _causes(report: Report, urls: dict[str, str]) -> Block:
    items = []
    for cause in report.hypotheses[:4]:
        word = confidence_words(cause.confidence)
        elements = [rich.words(f"{word}: ", "bold"), rich.words(one_line(cause.title, 220))]
        for key in cause.evidence_ids[:6]:
            elements += [rich.words(" "), rich.link(urls[key], key) if key in urls else rich.words(key)]
        items.append(rich.line(*elements))
    return rich.block(rich.line(rich.words("Possible causes", "bold")), rich.bullets(items))


def _evidence(report: Report, urls: dict[str, str], shown: int) -> Block:
    cited = {key for cause in report.hypotheses for key in cause.evidence_ids}
    chosen = [item for item in report.evidence if item.id in cited] or list(report.evidence)
    items = [_item(evidence, urls.get(evidence.id, "")) for evidence in chosen[:shown]]
    rest = len(report.evidence) - len(items)
    if rest > 0:
        items.append(rich.line(rich.words(f"and {rest} more on the timeline", "italic")))
    return rich.block(rich.line(rich.words("Evidence", "bold")), rich.bullets(items))


def _item(evidence: Evidence, url: str) -> rich.Element:
    label = rich.link(url, evidence.id) if url else rich.words(evidence.id, "bold")
    what = f" {one_line(evidence.title, 80)}{_SIGNS[evidence.status]}: {one_line(evidence.summary, 160)}"
    return rich.line(label, rich.words(what))


def _cost(report: Report, timeline_url: str) -> str:
    spent = report.usage
    mind = "by rules, no model" if report.mind == "deterministic" else f"by {inert(report.mind, 60)}"
    parts = [f"Investigated {mind}", f"{spent.tool_calls or len(report.evidence)} tool calls"]
    if spent.model_calls:
        parts.append(f"{spent.model_calls} model calls, {spent.input_tokens + spent.output_tokens:,} tokens")
    if spent.seconds:
        parts.append(f"{spent.seconds:.1f} s")
    return " · ".join([f"<{timeline_url}|Timeline with plots and every call>"] * bool(timeline_url) + parts)
