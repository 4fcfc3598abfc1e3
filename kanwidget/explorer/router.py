"""Messages from the browser become commands; what they ask for that isn't a command is answered here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kanwidget import _check
from kanwidget.explorer import commands as c
from kanwidget.explorer import protocol as p
from kanwidget.explorer import reading
from kanwidget.explorer.drivers import Driver
from kanwidget.explorer.publisher import Publisher
from kanwidget.explorer.topics import Notice
from kanwidget.explorer.worker import ThreadDriver

#: Nothing that a page says is longer than this as text.
_LONGEST = 1_000_000
#: `(format)` → filename, mime, text or None, bytes or None.
Export = Callable[[str], tuple[str, str, str | None, bytes | None]]
#: Seconds that the question of a page that hears nothing may hold up its handler's thread.
_PUMP_PATIENCE = 0.25
#: Messages that name edges or nodes of a structure.
_OF_EDGES = ("select", "fix", "unfix", "prune", "restore", "drag", "pin", "lock", "add_node", "auto")
FORMATS = ("svg", "png", "csv", "json", "html", "code")


class Router:
    """Handles messages; only enqueues, so any thread may call it at any time.

    Args:
        driver: Who carries out commands.
        publisher: Who answers.
        export: Makes the files that a page may ask for.
    """

    def __init__(self, driver: Driver, publisher: Publisher, export: Export) -> None:
        self.driver, self.publisher, self.export = driver, publisher, export
        driver.on_error = self._report

    def handle(self, message: Any) -> None:
        """Take one message; whatever is wrong with it becomes an `error` message and changes nothing."""
        kind = message.get("kind") if isinstance(message, Mapping) else None
        seq = message.get("seq") if isinstance(message, Mapping) else None
        seq = seq if isinstance(seq, int) and not isinstance(seq, bool) else -1
        try:
            self._check(message)
            if kind == "frame_ack":
                self.publisher.acknowledge(message.get("frame"))
                self.driver.wake()
            elif kind == "hello":
                self.driver.post(self._hello)
            elif kind == "pump":
                self._pump(message, seq)
            elif kind == "export":
                self._export(message, seq)
            else:
                self._command(message, seq)
        except Exception as error:
            self.driver.post(lambda error=error: self._refuse(seq, error))  # type: ignore[misc]

    def _check(self, message: Any) -> None:
        if not isinstance(message, Mapping):
            raise ValueError("a message must be an object")
        if message.get("v") != p.VERSION:
            raise ValueError(
                f"the page speaks version {message.get('v')!r} of the protocol, the kernel {p.VERSION}. Save and reload it."
            )
        if len(repr(message)) > _LONGEST:
            raise ValueError("the message is too long")

    def _command(self, message: Mapping[str, Any], seq: int) -> None:
        found = reading.parse(message)
        if not found:
            raise ValueError(f"the kernel knows no message {message.get('kind')!r}")
        if isinstance(found[0], c.Pause):
            self.driver.stop_soon()
        clicked = _clicked(message)
        self.driver.post(lambda: self._carry_out(found, seq, clicked))

    def _carry_out(self, found: list[c.Command], seq: int, clicked: int | None) -> None:
        session = self.driver.session
        before = session.notice
        try:
            if clicked not in (None, session.layout):
                raise ValueError(
                    "the network has changed since this was clicked. Nothing was done; look, and click again."
                )
            for command in found:
                self.publisher.note(session.apply(command))
        except Exception as error:
            self._refuse(seq, error)
            return
        self.publisher.answer(seq)
        if session.notice is not before:
            self.publisher.tell_notice()

    def _refuse(self, seq: int, error: BaseException) -> None:
        self.driver.session.notice = notice_of(error)
        self.publisher.tell_notice()
        if seq >= 0:
            self.publisher.tell_ack(seq, False)

    def _report(self, error: BaseException) -> None:
        """An error that nobody waits for: it is shown, and the session goes on."""
        self.driver.session.notice = notice_of(error)
        self.publisher.note(frozenset(("status",)))
        self.publisher.tell_notice()

    def _hello(self) -> None:
        self.publisher.say_hello()
        self.publisher.note(frozenset(("formula", "candidates")))
        if self.driver.kind == "thread":
            self.driver.post(self.driver.session.warm_up)

    def _pump(self, message: Mapping[str, Any], seq: int) -> None:
        """Answer a page that hears nothing. Some hosts drop what a thread sends, so this thread answers if it can do so soon."""
        since = reading.whole(message.get("since"), "since", "pump")

        def answer() -> None:
            if self.driver.session.running:
                self.publisher.ask_rows(since)
                self.publisher.flush(force=True)
            else:
                # It has missed the answer to a command.
                self.publisher.say_hello()
            self.publisher.tell_ack(seq, True)

        if isinstance(self.driver, ThreadDriver) and self.driver.here(answer, _PUMP_PATIENCE):
            return
        self.driver.pump()
        self.driver.post(answer)

    def _export(self, message: Mapping[str, Any], seq: int) -> None:
        wanted = _check.choice(message.get("format"), "format", "export", FORMATS)

        def answer() -> None:
            try:
                filename, mime, text, data = self.export(wanted)
            except Exception as error:
                self._refuse(seq, error)
                return
            body = {"format": wanted, "filename": filename, "mime": mime, "text": text}
            self.publisher.tell_file(body, data)
            self.publisher.tell_ack(seq, True)

        self.driver.post(answer)


def _clicked(message: Mapping[str, Any]) -> int | None:
    """Version of the structure that edges and nodes of a message belong to, None where it doesn't say or names none."""
    named = any(message.get(name) is not None for name in ("edge", "edges", "node", "level"))
    given = message.get("structure")
    if message["kind"] not in _OF_EDGES or not named or given is None:
        return None
    return reading.whole(given, "structure", message["kind"])


def notice_of(error: BaseException) -> Notice:
    """An error in the words that Python raises: what, and in a sentence of its own what to do."""
    message = str(error) or type(error).__name__
    title = "That did not work" if isinstance(error, (ValueError, TypeError)) else type(error).__name__
    head, dot, hint = message.partition(". ")
    return Notice(title, head + dot.strip(), hint or None)
