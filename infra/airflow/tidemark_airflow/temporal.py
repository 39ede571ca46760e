"""The workflow `goldDay` on the Temporal that an Airflow connection names."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

if TYPE_CHECKING:
    from airflow.sdk import Connection

# As Tidemark's src/core/ids.ts and src/workflows/definitions.ts have them.
WORKFLOW = "goldDay"
REQUEST = "request"
PROGRESS = "progress"
TASK_QUEUE = "tidemark-control"

STARTED_BY = "airflowTask"
"""Memo of a workflow that a task started. Who only attaches does not change it, so it tells whose it is to cancel."""

START_LIMIT_S = 60.0
"""A worker takes up a request, or ends what was cancelled, within seconds, also when the machine is busy."""

RPC_LIMIT = timedelta(seconds=10)

GoldDay = WorkflowHandle[Any, dict[str, Any]]


def requester(task: str) -> str:
    """The name by which a task asks for a day."""
    return f"airflow {task}"


class TemporalUnreachableError(Exception):
    """Temporal did not answer; a later try may meet it."""


class NoWorkerError(Exception):
    """No worker took the request up. The workflow may wait for one: a later try attaches to it."""


async def connect(connection: Connection) -> Client:
    """
    Opens Temporal where the connection says: host, port, schema, password, and `{"tls": true}` among the extra.

    The schema is the namespace, the password an API key.

    :raises TemporalUnreachableError: nothing answers there.
    """
    address = f"{connection.host or 'localhost'}:{connection.port or 7233}"
    try:
        return await Client.connect(
            address,
            namespace=connection.schema or "default",
            api_key=connection.password or None,
            tls=bool(connection.extra_dejson.get("tls", connection.password)),
        )
    except RuntimeError as error:  # The SDK raises nothing narrower.
        raise TemporalUnreachableError(f"connecting to Temporal at {address}: {error}") from error


async def start_or_attach(client: Client, day: str, *, task: str, force: bool) -> GoldDay:
    """
    Starts the workflow of a UTC day (`YYYY-MM-DD`), or joins the one that runs; the request reaches either.

    One that is being cancelled comes to nothing, so its end is awaited and a new one started.

    :returns: a handle of that very run.
    :raises NoWorkerError: nobody took it up, or ended it, in time.
    """
    run = await _started_or_joined(client, day, task=task, force=force)
    while await _is_being_cancelled(run):
        await _end_of(run, day)
        run = await _started_or_joined(client, day, task=task, force=force)
    return run


async def _started_or_joined(client: Client, day: str, *, task: str, force: bool) -> GoldDay:
    request = {"force": force, "requestedBy": requester(task)}
    start = WithStartWorkflowOperation[Any, dict[str, Any]](
        WORKFLOW,
        {"day": day, **request},
        id=f"gold-day/{day}",
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        memo={STARTED_BY: task},
        static_summary=f"gold of {day}",
    )
    joined = client.execute_update_with_start_workflow(REQUEST, request, start_workflow_operation=start)
    try:
        await asyncio.wait_for(joined, START_LIMIT_S)
    except (asyncio.TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise NoWorkerError(f"starting gold of {day}: no worker answers on {TASK_QUEUE}") from error
    handle = await start.workflow_handle()
    return client.get_workflow_handle(handle.id, run_id=handle.result_run_id)


async def _is_being_cancelled(run: GoldDay) -> bool:
    found = await run.describe(rpc_timeout=RPC_LIMIT)
    return found.raw_description.workflow_extended_info.cancel_requested


async def _end_of(run: GoldDay, day: str) -> None:
    try:
        await asyncio.wait_for(run.result(), START_LIMIT_S)
    except WorkflowFailureError:
        return
    except asyncio.TimeoutError as error:
        raise NoWorkerError(f"starting gold of {day}: its cancelled run does not end") from error


async def started_by(run: GoldDay) -> str | None:
    """The Airflow task that started this run; None when something else did."""
    memo = await (await run.describe(rpc_timeout=RPC_LIMIT)).memo()
    return memo.get(STARTED_BY)


async def others_in(run: GoldDay, task: str) -> list[str]:
    """Who else asked for this run, by their names: whoever joined it waits for the same end."""
    progress: dict[str, Any] = await run.query(PROGRESS, rpc_timeout=RPC_LIMIT)
    return [who for who in progress["requestedBy"] if who != requester(task)]
