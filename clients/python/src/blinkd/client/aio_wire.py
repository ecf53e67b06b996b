"""Questions over a connection of asyncio.

In: an `Ask`. Out: its answer, or a stream of them that begins again after the daemon did. Never: an error of gRPC; a
cancellation that nobody asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any, TypeVar

import grpc
from grpc import aio

from blinkd.client import tls
from blinkd.client.asks import Ask
from blinkd.client.channel import OPTIONS, Reach
from blinkd.client.errors import DaemonError, UnreachableError, never_connected, of_status, wants_tls
from blinkd.client.retrying import OnGap, Retrying, tell
from blinkd.client.wire import serialized

T = TypeVar("T")


class AioWire:
    """A connection of one event loop, opened with the first question."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self._made: aio.Channel | None = None
        self._closed = asyncio.Event()
        # Those under way: a channel that is closed leaves streams waiting whose first answer has come.
        self._calls: set[Any] = set()

    @property
    def _channel(self) -> aio.Channel:
        # Made late, because a channel belongs to the loop that runs when it is made.
        if self._closed.is_set():
            raise UnreachableError("the client is closed")
        if self._made is None:
            credentials, options = self.reach.credentials, list(OPTIONS)
            self._made = (
                aio.insecure_channel(self.reach.address, options)
                if credentials is None
                else aio.secure_channel(self.reach.address, credentials, options)
            )
        return self._made

    async def close(self) -> None:
        """Ends every stream."""
        self._closed.set()
        for call in tuple(self._calls):
            call.cancel()
        if self._made is not None:
            await self._made.close()

    async def ask(self, ask: Ask[T], *, timeout_s: float | None = None) -> T:
        """One answer."""
        call = self._channel.unary_unary(
            ask.path, request_serializer=serialized, response_deserializer=ask.answer.FromString
        )
        timeout_s = self.reach.timeout_s if timeout_s is None else timeout_s
        coming = call(ask.request, timeout=timeout_s, metadata=self.reach.metadata)
        self._calls.add(coming)
        try:
            answer = await coming
        except (aio.AioRpcError, asyncio.CancelledError) as error:
            raise await self._ours(error) from None
        finally:
            self._calls.discard(coming)
        return ask.make(answer)

    async def stream(self, ask: Ask[T]) -> AsyncGenerator[T, None]:
        """Every answer until the daemon has said all."""
        call = self._channel.unary_stream(
            ask.path, request_serializer=serialized, response_deserializer=ask.answer.FromString
        )
        answers = call(ask.request, metadata=self.reach.metadata)
        self._calls.add(answers)
        try:
            async for answer in answers:
                yield ask.make(answer)
        except (aio.AioRpcError, asyncio.CancelledError) as error:
            raise await self._ours(error) from None
        finally:
            self._calls.discard(answers)
            answers.cancel()

    def follow(
        self,
        ask: Callable[[], Ask[T]],
        *,
        reconnect: bool,
        on_gap: OnGap | None,
        after_gap: Callable[[T], T] | None = None,
    ) -> AsyncIterator[T]:
        """Answers without end; the first one after the connection broke goes through `after_gap`."""

        async def begin() -> AsyncGenerator[T, None]:
            async with aclosing(self.stream(ask())) as answers:
                async for answer in answers:
                    yield answer
            raise UnreachableError(f"the daemon at {self.reach.address} has ended the stream")

        return self.insist(begin, reconnect=reconnect, on_gap=on_gap, after_gap=after_gap)

    async def insist(
        self,
        begin: Callable[[], AsyncGenerator[T, None]],
        *,
        reconnect: bool,
        on_gap: OnGap | None,
        after_gap: Callable[[T], T] | None = None,
    ) -> AsyncGenerator[T, None]:
        """What `begin` gives, begun again when the connection breaks; ends as it does, or with the client."""
        retrying = Retrying()
        while not self._closed.is_set():
            try:
                async with aclosing(begin()) as values:
                    async for value in values:
                        again = retrying.came()
                        yield after_gap(value) if again and after_gap else value
                return
            except DaemonError as error:
                if self._closed.is_set():
                    return
                gap, wait_s = retrying.after(error, reconnect=reconnect)
            tell(gap, on_gap)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closed.wait(), wait_s)

    async def _ours(self, error: aio.AioRpcError | asyncio.CancelledError) -> BaseException:
        """A call is cancelled with its task, which stays so, or with the client, which is an error of ours."""
        if isinstance(error, asyncio.CancelledError) and (_task_is_cancelled() or not self._closed.is_set()):
            return error
        if isinstance(error, asyncio.CancelledError) or self._closed.is_set():
            return UnreachableError("the client is closed")
        reach, details = self.reach, error.details()
        if reach.certificates is None and never_connected(details) and await tls.is_spoken_aio(reach.address):
            return wants_tls(reach.address)
        code: Any = error.code()
        return of_status(code if isinstance(code, grpc.StatusCode) else None, details, reach.address)


def _task_is_cancelled() -> bool:
    task: Any = asyncio.current_task()
    return hasattr(task, "cancelling") and task.cancelling() > 0  # Python 3.11 and later know
