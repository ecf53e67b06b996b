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
    """The daemon wants a token, or another one; or it shows another certificate than expected, or none."""


class NotFoundError(DaemonError):
    """There is no such series, scan or model, or none at all yet."""


class RefusedError(DaemonError):
    """What was asked makes no sense, or not now."""


class BusyError(DaemonError):
    """The daemon has its hands full: ask again in a moment, or close a stream."""


class TimedOutError(DaemonError):
    """No answer within the client's `timeout_s`."""


_KINDS: dict[grpc.StatusCode, type[DaemonError]] = {
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.INVALID_ARGUMENT: RefusedError,
    grpc.StatusCode.FAILED_PRECONDITION: RefusedError,
    grpc.StatusCode.OUT_OF_RANGE: RefusedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: BusyError,
}
# The daemon's own words for "ask again"; all other UNAVAILABLE are the connection's.
_BUSY_WORDS = ("ask again", "try again", "wait already")
# gRPC's words for a certificate that nobody vouches for, and for one of another host.
_STRANGER_WORDS = ("CERTIFICATE_VERIFY_FAILED", "not in peer certificate", "Hostname Verification")


def of_status(code: grpc.StatusCode | None, details: str | None, address: str) -> DaemonError:
    """The error that a failed call stands for."""
    words = details or ""
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return _of_connection(words, address)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TimedOutError(f"the daemon at {address} did not answer in time: it is busy, or timeout_s is too short")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return RefusedError(
            f"what listens at {address} does not know this call ({words or 'no reason given'}): another program, or a "
            "daemon that is older than this client"
        )
    if code is grpc.StatusCode.PERMISSION_DENIED:
        return RefusedError(
            f"the daemon does not answer to the name in {address}: use 127.0.0.1, or give it a token "
            "(serve.token_file) and this client token="
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in words:
        return RefusedError(f"the answer is too large ({words}): ask for a smaller region or larger pixels")
    kind = DaemonError if code is None else _KINDS.get(code, DaemonError)
    return kind(words or f"the daemon at {address} failed and did not say why ({code.name if code else 'no status'})")


def _of_connection(words: str, address: str) -> DaemonError:
    if any(part in words for part in _BUSY_WORDS):
        return BusyError(words)
    if any(part in words for part in _STRANGER_WORDS):
        return UnauthenticatedError(
            f"{address} shows another certificate than root_certificates holds ({words}): give the file that its "
            "serve.tls_certificate names, and a host name that is in it"
        )
    if "WRONG_VERSION_NUMBER" in words:
        return UnauthenticatedError(
            f"the daemon at {address} does not use TLS: leave root_certificates out, or give it serve.tls_certificate"
        )
    if "HTTP/2" in words:
        return UnreachableError(
            f"what listens at {address} is no daemon's port for clients ({words}): see serve.listen"
        )
    return UnreachableError(f"no daemon answers at {address} ({words}): is `blinkd serve` running there?")


def never_connected(details: str | None) -> bool:
    """Whether a call failed before anything that a daemon says had come."""
    return "failed to connect" in (details or "")


def wants_tls(address: str) -> DaemonError:
    """The error of a client without TLS where TLS is spoken."""
    return UnauthenticatedError(
        f"the daemon at {address} uses TLS: give root_certificates, the file that its serve.tls_certificate names"
    )


def is_passing(error: DaemonError) -> bool:
    """Whether a stream that ended so may be begun again."""
    return isinstance(error, UnreachableError | BusyError | TimedOutError)
