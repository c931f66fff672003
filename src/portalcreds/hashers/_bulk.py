"""Hash many passwords a little ahead of whoever takes the hashes, here or on an executor of the host's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from ..accounts import PasswordHash
from ..exceptions import HashingUnavailableError
from ..protocols import PasswordHasher
from ..secret import Secret

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Got = TypeVar("_Got")


def in_order(
    items: Iterable[_In], send: Callable[[_In], Future[_Got]], receive: Callable[[Future[_Got]], _Out], *, ahead: int
) -> Iterator[_Out]:
    """Yield the result for each item, in order, with so many under way; on leaving, cancel what has not begun."""
    pending: deque[Future[_Got]] = deque()
    try:
        for item in items:
            pending.append(send(item))
            if len(pending) >= ahead:
                yield receive(pending.popleft())
        while pending:
            yield receive(pending.popleft())
    finally:
        for future in pending:
            future.cancel()


def outcome(work: Future[_Got]) -> _Got:
    """
    Wait for a job, and return what it returned.

    Raises:
        PortalCredsError: What the job raised, without its frames, or `HashingUnavailableError` if that was anything
            else, or if the pool was closed.
    """
    from concurrent.futures import CancelledError

    try:
        return work.result()
    except CancelledError:
        pass
    raise HashingUnavailableError("closed")


def send_elsewhere(
    executor: Executor, hasher: PasswordHasher, password: Secret, salt: bytes
) -> Future[tuple[str, str]]:
    """
    Submit a password to an executor, in plaintext: the one place where it may leave the process (R13).

    The salt is an argument. Dask runs calls with equal arguments once, so if the worker drew the salt, the equal
    defaults of a family would share one salt and one hash.

    Raises:
        HashingUnavailableError: The executor takes no more work.
    """
    try:
        return executor.submit(_hash_plaintext, hasher, password.reveal(), salt)
    except Exception as error:  # noqa: BLE001  An executor that broke or was shut down; its text may quote the call.
        code = type(error).__name__
    raise HashingUnavailableError(code)


def receive_from_elsewhere(future: Future[tuple[str, str]]) -> PasswordHash:
    """
    Wait for what `send_elsewhere` submitted.

    Raises:
        HashingUnavailableError: Hashing failed there.
    """
    try:
        encoded, failure = future.result()
    except Exception as error:  # noqa: BLE001  A worker that died, a cluster that was lost, a cancelled future.
        encoded, failure = "", type(error).__name__
    if failure:
        raise HashingUnavailableError(failure)
    return PasswordHash(encoded)


def _hash_plaintext(hasher: PasswordHasher, plaintext: str, salt: bytes) -> tuple[str, str]:
    """Return the hash and an empty code, or nothing and the code for why there is none."""
    # Returned and not raised: Dask's workers log the arguments of a task that raises.
    try:
        return hasher.hash(Secret(plaintext), salt=salt).encoded, ""
    except HashingUnavailableError as error:
        return "", error.code
    except MemoryError:
        return "", "out_of_memory"
    except BaseException as error:  # noqa: BLE001  A host's hasher may raise anything.
        return "", type(error).__name__
