"""A Slack workspace on one's own machine: the peer of the tests and the stage of the demo."""

from demo.slack.app import LocalWorkspace, build_app
from demo.slack.workspace import Workspace

__all__ = ["LocalWorkspace", "Workspace", "build_app"]
