"""The client for asyncio: what ends an iterator, and what stays a cancellation."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from blinkd import AsyncClient
from blinkd.client import Gap, UnreachableError, retrying
from blinkd.v1 import localizations_pb2 as pb_l
from fake_daemon import FakeDaemon

MOST_S = 10.0


class Silence:
    """Says nothing until it is let go, or only that it heard, as the daemon does."""

    def __init__(self, *, heard: bool) -> None:
        self.heard = heard
        self.asked, self.over = threading.Event(), threading.Event()

    def stream(self, _: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        self.answer(_, context)
        yield from ()

    def answer(self, _: Any, context: grpc.ServicerContext) -> Any:
        if self.heard:
            context.send_initial_metadata(())
        self.asked.set()
        self.over.wait(30)

    async def has_been_asked(self) -> None:
        assert await asyncio.to_thread(self.asked.wait, MOST_S)


def while_silent(test: Callable[[AsyncClient, Silence], Awaitable[None]], *, heard: bool = True) -> None:
    """Runs a test with a daemon that says nothing; asyncio complains of no task that was left."""
    complaints: list[object] = []

    def complain(_: object, context: dict[str, Any]) -> None:
        if "task" in context or "future" in context:  # gRPC's own poller complains of loops that are no more
            complaints.append(context)

    async def run(address: str) -> None:
        asyncio.get_running_loop().set_exception_handler(complain)
        async with AsyncClient(address) as client:
            await test(client, silence)

    silence = Silence(heard=heard)
    calls = {"StreamLocalizations": silence.stream, "SubscribePreview": silence.stream, "GetStatus": silence.answer}
    calls |= {"WatchAcquisition": silence.stream, "WatchScan": silence.stream, "GetFrame": silence.answer}
    with FakeDaemon(**calls) as daemon:
        try:
            asyncio.run(run(daemon.address))
        finally:
            silence.over.set()
    assert not complaints


async def everything(values: Any) -> list[object]:
    return [value async for value in values]


ITERATORS: dict[str, Callable[[AsyncClient], Any]] = {
    "localizations": lambda client: client.localizations(),
    "pictures": lambda client: client.pictures(),
    "frames": lambda client: client.frames(),
    "acquisitions": lambda client: client.acquisitions.watch(),
    "scans": lambda client: client.scans.watch(),
}


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
@pytest.mark.parametrize("iterator", ITERATORS.values(), ids=ITERATORS.keys())
def test_closing_the_client_ends_an_iterator_that_waits_in_another_task(iterator: Any, heard: bool) -> None:
    async def test(client: AsyncClient, silence: Silence) -> None:
        reading = asyncio.create_task(everything(iterator(client)))
        await silence.has_been_asked()
        await client.close()
        assert await asyncio.wait_for(reading, MOST_S) == []

    while_silent(test, heard=heard)


def test_closing_the_client_ends_an_iterator_that_waits_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_S", 60.0)
    monkeypatch.setattr(retrying, "MOST_S", 60.0)

    async def read(address: str) -> None:
        async with AsyncClient(address) as client:
            broken = asyncio.Event()
            reading = asyncio.create_task(everything(client.localizations(on_gap=lambda _: broken.set())))
            await asyncio.wait_for(broken.wait(), MOST_S)
            await client.close()
            assert await asyncio.wait_for(reading, MOST_S) == []

    with FakeDaemon() as daemon:
        address = daemon.address
    asyncio.run(read(address))


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
def test_a_call_that_waits_while_the_client_is_closed_is_an_error_of_ours(heard: bool) -> None:
    async def test(client: AsyncClient, silence: Silence) -> None:
        asking = asyncio.create_task(client.status())
        await silence.has_been_asked()
        await client.close()
        with pytest.raises(UnreachableError, match="closed"):
            await asyncio.wait_for(asking, MOST_S)
        with pytest.raises(UnreachableError, match="closed"):
            await client.status()
        assert await everything(client.localizations()) == []

    while_silent(test, heard=heard)


@pytest.mark.parametrize("turns", range(6))
def test_closing_just_after_a_call_began_is_an_error_of_ours(turns: int) -> None:
    async def test(client: AsyncClient, _: Silence) -> None:
        asking = asyncio.create_task(client.status())
        reading = asyncio.create_task(everything(client.localizations()))
        for _turn in range(turns):
            await asyncio.sleep(0)  # lets the tasks go on, and waits for nothing
        await client.close()
        with pytest.raises(UnreachableError, match="closed"):
            await asyncio.wait_for(asking, MOST_S)
        assert await asyncio.wait_for(reading, MOST_S) == []

    while_silent(test)


@pytest.mark.parametrize("what", ["stream", "call"])
def test_a_task_that_is_cancelled_stays_cancelled(what: str) -> None:
    async def test(client: AsyncClient, silence: Silence) -> None:
        work = everything(client.localizations()) if what == "stream" else client.status()
        task: asyncio.Task[object] = asyncio.create_task(work)
        await silence.has_been_asked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    while_silent(test)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 does not say whether a task is being cancelled")
@pytest.mark.parametrize("what", ["stream", "call"])
def test_a_task_that_is_cancelled_while_the_client_is_closed_stays_cancelled(what: str) -> None:
    async def test(client: AsyncClient, silence: Silence) -> None:
        work = everything(client.localizations()) if what == "stream" else client.status()
        task: asyncio.Task[object] = asyncio.create_task(work)
        await silence.has_been_asked()
        task.cancel()
        await client.close()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, MOST_S)

    while_silent(test)


def test_a_time_limit_of_asyncio_stays_one() -> None:
    async def test(client: AsyncClient, _: Silence) -> None:
        reading = client.localizations()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reading.__anext__(), 0.2)

    while_silent(test)


def test_closing_the_client_ends_an_iterator_of_which_something_has_come() -> None:
    over = threading.Event()

    def one(*_: Any) -> Iterator[Message]:
        yield pb_l.LocalizationBatch(frame=[3], tile=[0])
        over.wait(30)

    async def read(address: str) -> None:
        async with AsyncClient(address) as client:
            came: asyncio.Queue[int] = asyncio.Queue(maxsize=1)

            async def reading() -> int:
                batches = 0
                async for batch in client.localizations():
                    batches += 1
                    await came.put(len(batch.frame))
                return batches

            task = asyncio.create_task(reading())
            assert await asyncio.wait_for(came.get(), MOST_S) == 1
            await client.close()
            assert await asyncio.wait_for(task, MOST_S) == 1

    with FakeDaemon(StreamLocalizations=one) as daemon:
        try:
            asyncio.run(read(daemon.address))
        finally:
            over.set()


def test_an_iterator_that_is_left_ends_its_stream() -> None:
    ended = threading.Event()

    def endless(_: Any, context: Any) -> Iterator[Message]:
        context.add_callback(ended.set)
        while context.is_active():
            yield pb_l.LocalizationBatch()

    async def leave(address: str) -> None:
        async with AsyncClient(address) as client:
            async for batch in client.localizations():
                assert len(batch) == 0
                break
            assert await asyncio.to_thread(ended.wait, MOST_S), "before the client is closed"

    with FakeDaemon(StreamLocalizations=endless) as daemon:
        asyncio.run(leave(daemon.address))


def test_what_on_gap_is_told_names_the_attempt() -> None:
    gaps: list[Gap] = []

    async def read(address: str) -> None:
        async with AsyncClient(address) as client:

            def told(gap: Gap) -> None:
                gaps.append(gap)
                if len(gaps) == 2:
                    closing.append(asyncio.ensure_future(client.close()))

            closing: list[asyncio.Future[None]] = []
            assert await everything(client.localizations(on_gap=told)) == []

    with FakeDaemon() as daemon:
        address = daemon.address
    asyncio.run(read(address))
    assert [gap.attempt for gap in gaps] == [1, 2]
