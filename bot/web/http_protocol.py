"""uvicorn's fastest protocol, with an end to what it collects: it would take headers of any length from anybody."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_AROUND_BODY = 64 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Answers 400 and hangs up when a request has more than 64 KiB of anything but body: address, headers, trailers,
    the lengths of chunks."""

    _around_body = 0

    def data_received(self, data: bytes) -> None:
        """Count, parse, and see what was left over."""
        self._around_body += len(data)
        super().data_received(data)
        if self._around_body > MAX_AROUND_BODY and not self.transport.is_closing():
            self.send_400_response("Too much besides the body.")

    def on_body(self, body: bytes) -> None:
        """Take the body off the count."""
        self._around_body -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin the count anew."""
        self._around_body = 0
        super().on_message_complete()
