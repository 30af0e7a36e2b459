"""Figures as people write them, with their unit."""

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")


def figure(value: float, unit: str) -> str:
    """Return a value of unit "s", "bytes", "ratio", "1/s" or "" for people: `350 ms`, `1.5 GiB`, `12 %`, `8 /s`."""
    if unit == "ratio":
        percent = value * 100
        return f"{_short(percent if abs(percent) < 1 else round(percent, 1))} %"
    if unit == "s":
        return f"{_short(value * 1000)} ms" if 0 < abs(value) < 1 else f"{_short(value)} s"
    if unit == "bytes":
        size, step = value, 0
        while abs(size) >= 1024 and step < len(_BINARY) - 1:
            size, step = size / 1024, step + 1
        return f"{_short(size)} {_BINARY[step]}"
    return f"{_short(value)} /s" if unit == "1/s" else _short(value)


def _short(value: float) -> str:
    if value and abs(value) < 0.01:
        return f"{value:.1g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 100 else f"{value:,.0f}"
