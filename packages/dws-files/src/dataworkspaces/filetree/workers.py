"""Who reads the content of files: an executor that somebody brings, threads, or the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

AT_MOST = 16


class _Here(Executor):
    """Does what is submitted at once, in the thread that submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as e:
            done.set_exception(e)
        return done


@contextmanager
def opened(
    given: Callable[[], AbstractContextManager[Executor]] | None, *, is_little: bool
) -> Iterator[tuple[Executor, int]]:
    """An executor, and how many batches to start with. What is little is done before a thread would have started."""
    if given is not None:
        with given() as executor:
            yield executor, AT_MOST
        return
    if is_little:
        yield _Here(), 1
        return
    pool = ThreadPoolExecutor(AT_MOST)
    try:
        yield pool, 1
    finally:
        pool.shutdown(cancel_futures=True)
