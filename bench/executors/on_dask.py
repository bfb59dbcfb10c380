"""Cases on the workers of dask.distributed: of an existing scheduler, or of one started here."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Generator, Iterator
from uuid import uuid4

import click
import distributed

from bench.executors import Choice, Executor, Work
from bench.executors.orders import Answer, Order, carry_out, failed, order_of, record_of
from bench.plan import Job
from bench.process import Stop
from bench.records import Record
from bench.specs import SpecError

CONNECT_S = 10


def executor(choice: Choice) -> Executor:
    def each(work: Work) -> Generator[Record, None, None]:
        with _client(choice.dask_scheduler) as client:
            yield from _records(client, work)

    return each


@contextlib.contextmanager
def _client(address: str | None) -> Iterator[distributed.Client]:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what counts is in the records
    if address is None:
        with (
            distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(address, timeout=CONNECT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise SpecError(f"No dask scheduler answers at {address}: {error}") from None
    with client:
        if not client.scheduler_info()["workers"]:
            click.echo(f"{address} has no workers yet; cases wait for some.", err=True)
        yield client


def _records(client: distributed.Client, work: Work) -> Generator[Record, None, None]:
    # No more cases are out than there are workers: dask blames the loss of a worker on every task
    # that was handed to it, begun or not.
    name, waiting = f"mfbench-{uuid4().hex}", deque(work.jobs)
    out: dict[distributed.Future, Job] = {}
    ended = distributed.as_completed()

    def hand_out() -> None:
        while waiting and len(out) < max(1, len(client.nthreads())):
            job = waiting.popleft()
            key = f"{name}-{len(waiting)}"
            future = client.submit(_task, order_of(job, work.command), name, key=key)
            out[future] = job
            ended.add(future)

    hand_out()
    try:
        for future in ended:
            job = out.pop(future)
            hand_out()
            if future.status == "finished":
                yield record_of(future.result(), work.logs / f"{job.case.key}.log")
            else:
                yield failed(job, _why(future))
    finally:
        if out:
            distributed.Event(name, client=client).set()
            client.cancel(list(out))


def _why(future: distributed.Future) -> str:
    error = future.exception() if future.status == "error" else None
    text = str(error).splitlines()[0] if error and str(error) else future.status
    return f"dask gave it no result: {type(error).__name__ if error else 'future'}: {text}"


def _task(order: Order, stop: str) -> Answer:
    over, event = threading.Event(), distributed.Event(stop, client=distributed.get_client())

    def on_start(kill: Stop) -> None:
        def wait() -> None:
            with contextlib.suppress(Exception):  # the worker ends, and the case with it
                if event.wait(order["case"]["timeout_s"]) and not over.is_set():
                    kill()

        threading.Thread(target=wait, daemon=True).start()

    try:
        return carry_out(order, on_start)
    finally:
        over.set()
