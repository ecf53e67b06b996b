"""Questions over a connection that waits for answers.

In: an `Ask`. Out: its answer, or a stream of them that begins again after the daemon did. Never: an error of gRPC; more
than one answer of a stream taken before it is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from blinkd.client import tls
from blinkd.client.asks import Ask
from blinkd.client.channel import OPTIONS, Reach
from blinkd.client.errors import DaemonError, UnreachableError, never_connected, of_status, wants_tls
from blinkd.client.retrying import OnGap, Retrying, tell

T = TypeVar("T")


class Wire:
    """A connection, opened with the first question. May be used by several threads."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        credentials = reach.credentials
        self._channel = (
            grpc.insecure_channel(reach.address, OPTIONS)
            if credentials is None
            else grpc.secure_channel(reach.address, credentials, OPTIONS)
        )
        self._closed = threading.Event()

    def close(self) -> None:
        """Ends every stream; waits for nothing."""
        self._closed.set()
        self._channel.close()

    def ask(self, ask: Ask[T], *, timeout_s: float | None = None) -> T:
        """One answer."""
        call = self._channel.unary_unary(
            ask.path, request_serializer=serialized, response_deserializer=ask.answer.FromString
        )
        timeout_s = self.reach.timeout_s if timeout_s is None else timeout_s
        with _Errors(self.reach, self._closed):
            answer = call(ask.request, timeout=timeout_s, metadata=self.reach.metadata)
        return ask.make(answer)

    def stream(self, ask: Ask[T]) -> Iterator[T]:
        """Every answer until the daemon has said all."""
        call = self._channel.unary_stream(
            ask.path, request_serializer=serialized, response_deserializer=ask.answer.FromString
        )
        with _Errors(self.reach, self._closed):
            answers = call(ask.request, metadata=self.reach.metadata)
        try:
            while True:
                with _Errors(self.reach, self._closed):
                    answer = next(answers, None)
                if answer is None:
                    return
                yield ask.make(answer)
        finally:
            answers.cancel()

    def follow(
        self,
        ask: Callable[[], Ask[T]],
        *,
        reconnect: bool,
        on_gap: OnGap | None,
        after_gap: Callable[[T], T] | None = None,
    ) -> Iterator[T]:
        """Answers without end; the first one after the connection broke goes through `after_gap`."""

        def begin() -> Iterator[T]:
            yield from self.stream(ask())
            # The daemon ends its streams when it stops.
            raise UnreachableError(f"the daemon at {self.reach.address} has ended the stream")

        return self.insist(begin, reconnect=reconnect, on_gap=on_gap, after_gap=after_gap)

    def insist(
        self,
        begin: Callable[[], Iterator[T]],
        *,
        reconnect: bool,
        on_gap: OnGap | None,
        after_gap: Callable[[T], T] | None = None,
    ) -> Iterator[T]:
        """What `begin` gives, begun again when the connection breaks; ends as it does, or with the client."""
        retrying = Retrying()
        while not self._closed.is_set():
            try:
                for value in begin():
                    again = retrying.came()
                    yield after_gap(value) if again and after_gap else value
                return
            except DaemonError as error:
                if self._closed.is_set():
                    return
                gap, wait_s = retrying.after(error, reconnect=reconnect)
            tell(gap, on_gap)
            self._closed.wait(wait_s)


class _Errors:
    """gRPC's errors become ours."""

    def __init__(self, reach: Reach, closed: threading.Event) -> None:
        self._reach, self._closed = reach, closed

    def __enter__(self) -> None:
        if self._closed.is_set():
            raise UnreachableError("the client is closed")

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, grpc.RpcError | ValueError) and self._closed.is_set():
            raise UnreachableError("the client is closed") from None
        if isinstance(error, grpc.RpcError):
            call: Any = error
            reach, details = self._reach, call.details()
            if reach.certificates is None and never_connected(details) and tls.is_spoken(reach.address):
                raise wants_tls(reach.address) from None
            raise of_status(call.code(), details, reach.address) from None


def serialized(message: Message) -> bytes:
    """What goes over the wire."""
    return message.SerializeToString()
