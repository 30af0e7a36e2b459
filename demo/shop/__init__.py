"""A small real patient: three services with metrics, logs, deploys and faults, and a supervisor that acts on them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo.shop.panel.app import build_panel_app
    from demo.shop.shop import Shop

__all__ = ["Shop", "build_panel_app"]


def __getattr__(name: str) -> Any:
    """Import on first use: the service processes start from this package too, and they should start fast."""
    if name == "Shop":
        from demo.shop.shop import Shop

        return Shop
    if name == "build_panel_app":
        from demo.shop.panel.app import build_panel_app

        return build_panel_app
    raise AttributeError(name)
