"""Entry points of block validation."""

from ..state import Json


def check_blocks(blocks: list[Json], surface: str, pointer: str = "/blocks") -> list[str]:
    """Problems of the blocks, each as `sentence [json-pointer:...]`; empty when fine."""
    return []


def check_view(view: Json) -> list[str]:
    """Problems of a view."""
    return []


def text_length(blocks: list[Json]) -> int:
    """Characters of text in all blocks together."""
    return 0
