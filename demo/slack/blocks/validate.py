"""Entry points of block validation: what a whole message or view may hold."""

from typing import Any

from demo.slack.blocks.catalogue import MAX_BLOCKS, SURFACES
from demo.slack.blocks.ids import elements_of
from demo.slack.blocks.schema import Check, flag, items, plain, problem, record, string, typed

MARKDOWN_TOTAL = 12_000
_CHARTS = 2


def check_blocks(blocks: list[Any], surface: str, pointer: str = "/blocks") -> list[str]:
    """Problems of the blocks of a message, modal or home, each as `sentence [json-pointer:...]`."""
    found = items(typed(SURFACES[surface]), MAX_BLOCKS[surface], 0)(blocks, pointer)
    return found or _across(blocks, pointer)


def _across(blocks: list[Any], pointer: str) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            found.append(problem(f"block_id already exists: {block_id}", f"{pointer}/{index}/block_id"))
        seen |= {block_id} if block_id else set()
        actions = [e["action_id"] for e in elements_of(block) if "action_id" in e]
        if len(actions) != len(set(actions)):
            found.append(problem("action_id must be unique within a block", f"{pointer}/{index}"))
    if sum(len(b["text"]) for b in blocks if b["type"] == "markdown") > MARKDOWN_TOTAL:
        found.append(problem(f"markdown blocks must be less than {MARKDOWN_TOTAL + 1} characters together", pointer))
    if sum(b["type"] == "data_visualization" for b in blocks) > _CHARTS:
        found.append(problem(f"no more than {_CHARTS} data_visualization blocks allowed", pointer))
    return found


_COMMON: dict[str, Check] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
    "blocks": lambda value, pointer: [],
}
_VIEWS = {
    "modal": record(
        {"title": plain(24), "blocks": _COMMON["blocks"]},
        {
            **_COMMON,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": flag,
            "notify_on_close": flag,
            "submit_disabled": flag,
        },
    ),
    "home": record({"blocks": _COMMON["blocks"]}, {**_COMMON, "title": plain(24), "close": plain(24)}),
}


def check_view(view: Any, pointer: str = "/view", kinds: tuple[str, ...] = ("modal", "home")) -> list[str]:
    """Problems of a view."""
    if isinstance(view, dict) and view.get("type") in _VIEWS:
        view = {k: v for k, v in view.items() if v not in (None, "")}
    found = typed({k: _VIEWS[k] for k in kinds})(view, pointer)
    if found:
        return found
    found = check_blocks(view["blocks"], view["type"], f"{pointer}/blocks")
    has_input = any(b.get("type") == "input" for b in view["blocks"] if isinstance(b, dict))
    if not found and has_input and view["type"] == "modal" and not view.get("submit"):
        found.append(problem("missing required field: submit", pointer))
    return found


def text_length(node: Any) -> int:
    """Characters a reader sees in the blocks together (ids and button values do not count)."""
    if isinstance(node, list):
        return sum(text_length(item) for item in node)
    if not isinstance(node, dict):
        return 0
    total = 0
    for key, value in node.items():
        if isinstance(value, str):
            total += len(value) if key == "text" else 0
        else:
            total += text_length(value)
    return total


__all__ = ["check_blocks", "check_view", "text_length"]
