"""Agent sessions: the status of a thread, its title and the "is thinking" line."""

from typing import TYPE_CHECKING

from demo.slack.state import Channel, Session

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

STATUSES = ("active", "processing", "suspended", "closed")
LOADING_LIFETIME = 120.0


class Sessions:
    """Keeps one session a thread and tells the pages."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws

    def of(self, channel: Channel, thread_ts: str, app_id: str) -> Session:
        """The thread's session, begun on first use."""
        return self._ws.state.sessions.setdefault((channel.id, thread_ts), Session(app_id))

    def set_status(self, channel: Channel, thread_ts: str, app_id: str, status: str, title: str | None) -> None:
        """Store the status (one of STATUSES) and a title if given."""
        session = self.of(channel, thread_ts, app_id)
        session.app_id, session.status = app_id, status
        if title is not None:
            session.title = title
        self._publish(channel, thread_ts, session)

    def set_title(self, channel: Channel, thread_ts: str, app_id: str, title: str) -> None:
        """Name the session."""
        session = self.of(channel, thread_ts, app_id)
        session.title = title
        self._publish(channel, thread_ts, session)

    def set_loading(self, channel: Channel, thread_ts: str, app_id: str, status: str) -> None:
        """Show or clear the line under the thread; it clears itself after two minutes."""
        session = self.of(channel, thread_ts, app_id)
        session.app_id, session.loading = app_id, status
        if session.clear_timer:
            session.clear_timer.cancel()
            session.clear_timer = None
        if status:
            session.clear_timer = self._ws.spawn(self._clear_later(channel, thread_ts, session))
        frame = {"type": "status", "channel": channel.id, "thread_ts": thread_ts, "status": status, "app_id": app_id}
        self._ws.live.publish(frame, channel.members)

    async def _clear_later(self, channel: Channel, thread_ts: str, session: Session) -> None:
        await self._ws.clock.sleep(LOADING_LIFETIME)
        session.clear_timer = None
        self.set_loading(channel, thread_ts, session.app_id, "")

    def _publish(self, channel: Channel, thread_ts: str, session: Session) -> None:
        frame = {"type": "session", "channel": channel.id, "thread_ts": thread_ts}
        self._ws.live.publish({**frame, "status": session.status, "title": session.title}, channel.members)
