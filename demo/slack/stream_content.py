"""What a stream is made of: text, tasks, a plan and blocks, in the order they came."""

import json
from typing import Any

from demo.slack.compose import message_blocks
from demo.slack.errors import SlackError
from demo.slack.ids import short_id
from demo.slack.state import Json, Stream

_TASK_STATES = ("pending", "in_progress", "complete", "error")


def read_chunks(value: Any) -> list[Json]:
    """Chunks as a list (an empty one is fine), their blocks checked; raises invalid_chunks or invalid_blocks."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise SlackError("invalid_chunks") from None
    if not isinstance(value, list) or not all(_is_chunk(c) for c in value):
        raise SlackError("invalid_chunks")
    return [
        c | {"blocks": message_blocks(c["blocks"], "/chunks/blocks")} if c["type"] == "blocks" else c for c in value
    ]


def _is_chunk(chunk: Any) -> bool:
    if not isinstance(chunk, dict):
        return False
    match chunk.get("type"):
        case "markdown_text":
            return isinstance(chunk.get("text"), str)
        case "task_update":
            named = isinstance(chunk.get("id"), str) and isinstance(chunk.get("title"), str)
            return named and chunk.get("status") in _TASK_STATES
        case "plan_update":
            return isinstance(chunk.get("title"), str)
        case "blocks":
            return isinstance(chunk.get("blocks"), list) and len(chunk["blocks"]) <= 50
        case _:
            return False


def add_chunks(stream: Stream, chunks: list[Json]) -> None:
    """Append chunks; text grows the last text, a task with a known id is updated in place."""
    for chunk in chunks:
        last = stream.parts[-1] if stream.parts else None
        match chunk["type"]:
            case "markdown_text" if last and last["type"] == "markdown_text":
                last["text"] += chunk["text"]
            case "task_update":
                _update_task(stream, chunk)
            case "plan_update":
                stream.parts = [p for p in stream.parts if p["type"] != "plan_update"]
                stream.parts.insert(0, dict(chunk))
            case _:
                stream.parts.append(dict(chunk))


def _update_task(stream: Stream, chunk: Json) -> None:
    known = next((p for p in stream.parts if p["type"] == "task_update" and p["id"] == chunk["id"]), None)
    if known is None:
        stream.parts.append({**chunk, "block_id": short_id()})
    else:
        known |= {k: v for k, v in chunk.items() if v is not None}


def chunk_blocks(parts: list[Json]) -> int:
    """How many blocks came in chunks."""
    return sum(len(p["blocks"]) for p in parts if p["type"] == "blocks")


def stream_text(stream: Stream) -> str:
    """All text of the stream."""
    return "".join(p["text"] for p in stream.parts if p["type"] == "markdown_text")


def stream_blocks(stream: Stream) -> list[Json]:
    """The stream as blocks: a plan gathers the tasks, a timeline leaves them where they came."""
    plan = next((p for p in stream.parts if p["type"] == "plan_update"), None)
    tasks = [_task_card(p) for p in stream.parts if p["type"] == "task_update"]
    blocks: list[Json] = []
    gathered = bool(tasks) and (stream.mode == "plan" or plan is not None)
    if gathered:
        blocks.append({"type": "plan", "title": plan["title"] if plan else "Plan", "tasks": tasks, "block_id": "plan"})
    for index, part in enumerate(stream.parts):
        if part["type"] == "markdown_text":
            blocks.append({"type": "markdown", "text": part["text"], "block_id": f"text{index}"})
        elif part["type"] == "blocks":
            blocks += part["blocks"]
        elif part["type"] == "task_update" and not gathered:
            blocks.append(_task_card(part))
    return blocks


def _task_card(part: Json) -> Json:
    card: Json = {"type": "task_card", "task_id": part["id"], "title": part["title"], "status": part["status"]}
    card["block_id"] = part["block_id"]
    for name in ("details", "output"):
        if part.get(name):
            card[name] = _as_rich_text(part[name])
    return card | ({"sources": part["sources"]} if part.get("sources") else {})


def _as_rich_text(value: Any) -> Json:
    if isinstance(value, dict):
        return value
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": str(value)}]}
    return {"type": "rich_text", "elements": [section]}
