"""The control API: everything a person at the page, or a test, can do and look at."""

from demo.slack.control.routes import control_routes

__all__ = ["control_routes"]
