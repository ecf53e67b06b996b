"""What can go wrong between a client and the daemon.

In: a status of gRPC. Out: an error with the daemon's own words. Never: a type of gRPC for the user to catch.
"""

from __future__ import annotations

import grpc


class DaemonError(Exception):
    """The daemon did not do what was asked. The text says why, and what helps."""


class UnreachableError(DaemonError):
    """Nobody answers at this address, or the connection broke."""


class UnauthenticatedError(DaemonError):
    """The daemon wants a token, or another one."""


class NotFoundError(DaemonError):
    """There is no such series, scan or model."""


class RefusedError(DaemonError):
    """What was asked makes no sense, or not now."""


class BusyError(DaemonError):
    """The daemon has its hands full: ask again in a moment, or close a stream."""


class TimedOutError(DaemonError):
    """No answer within the client's `timeout_s`."""


_KINDS: dict[grpc.StatusCode, type[DaemonError]] = {
    grpc.StatusCode.UNAVAILABLE: UnreachableError,
    grpc.StatusCode.CANCELLED: UnreachableError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.INVALID_ARGUMENT: RefusedError,
    grpc.StatusCode.FAILED_PRECONDITION: RefusedError,
    grpc.StatusCode.OUT_OF_RANGE: RefusedError,
    grpc.StatusCode.UNIMPLEMENTED: RefusedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: BusyError,
    grpc.StatusCode.DEADLINE_EXCEEDED: TimedOutError,
}
# The daemon's own words for "ask again"; all other UNAVAILABLE are the connection's.
_BUSY_WORDS = ("ask again", "try again", "wait already")


def of_status(code: grpc.StatusCode | None, details: str | None, address: str) -> DaemonError:
    """The error that a failed call stands for."""
    words = details or ""
    if code is grpc.StatusCode.UNAVAILABLE and any(part in words for part in _BUSY_WORDS):
        return BusyError(words)
    kind = DaemonError if code is None else _KINDS.get(code, DaemonError)
    if kind is UnreachableError:
        return UnreachableError(f"no daemon answers at {address} ({words}): is `blinkd serve` running there?")
    if kind is TimedOutError:
        return TimedOutError(f"the daemon at {address} did not answer in time: it is busy, or timeout_s is too short")
    return kind(words or f"the daemon at {address} failed: {code}")


def is_passing(error: DaemonError) -> bool:
    """Whether a stream that ended so may be begun again."""
    return isinstance(error, UnreachableError | BusyError | TimedOutError)
