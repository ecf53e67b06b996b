"""Questions over a connection of asyncio.

In: an `Ask`. Out: its answer, or a stream of them that begins again after the daemon did. Never: an error of gRPC.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
from grpc import aio

from blinkd.client.asks import Ask
from blinkd.client.channel import OPTIONS, Reach
from blinkd.client.errors import DaemonError, UnreachableError, of_status
from blinkd.client.retrying import Gap, Retrying
from blinkd.client.wire import serialized

T = TypeVar("T")


class AioWire:
    """A connection of one event loop, opened with the first question."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self._made: aio.Channel | None = None
        self._closed = False

    @property
    def _channel(self) -> aio.Channel:
        # Made late, because a channel belongs to the loop that runs when it is made.
        if self._closed:
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
        self._closed = True
        if self._made is not None:
            await self._made.close()

    async def ask(self, ask: Ask[T], *, timeout_s: float | None = None) -> T:
        """One answer."""
        call = self._channel.unary_unary(
            ask.path, request_serializer=serialized, response_deserializer=ask.answer.FromString
        )
        timeout_s = self.reach.timeout_s if timeout_s is None else timeout_s
        try:
            answer = await call(ask.request, timeout=timeout_s, metadata=self.reach.metadata)
        except aio.AioRpcError as error:
            raise self._ours(error) from None
        return ask.make(answer)

    async def stream(self, ask: Ask[T]) -> AsyncIterator[T]:
        """Every answer until the daemon has said all."""
        call = self._channel.unary_stream(
            ask.path, request_serializer=serialized, response_deserializer=ask.answer.FromString
        )
        answers = call(ask.request, metadata=self.reach.metadata)
        try:
            async for answer in answers:
                yield ask.make(answer)
        except aio.AioRpcError as error:
            raise self._ours(error) from None
        finally:
            answers.cancel()

    async def follow(
        self, ask: Callable[[], Ask[T]], *, reconnect: bool, on_gap: Callable[[Gap], object] | None
    ) -> AsyncIterator[tuple[T, bool]]:
        """Answers without end, and whether the connection broke before this one."""
        retrying = Retrying()
        while not self._closed:
            try:
                async for value in self.stream(ask()):
                    yield value, retrying.came()
                raise UnreachableError(f"the daemon at {self.reach.address} has ended the stream")
            except DaemonError as error:
                if self._closed:
                    return
                gap, wait_s = retrying.after(error, reconnect=reconnect)
            if on_gap is not None:
                on_gap(gap)
            await asyncio.sleep(wait_s)

    def _ours(self, error: aio.AioRpcError) -> DaemonError:
        code: Any = error.code()
        return of_status(code if isinstance(code, grpc.StatusCode) else None, error.details(), self.reach.address)
