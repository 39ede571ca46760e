"""The workflow `goldDay` on the Temporal that an Airflow connection names."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

if TYPE_CHECKING:
    from airflow.sdk import Connection

# As Tidemark's src/core/ids.ts and src/workflows/definitions.ts have them.
WORKFLOW = "goldDay"
REQUEST = "request"
TASK_QUEUE = "tidemark-control"

STARTED_BY = "airflowTask"
"""Memo of a workflow that a task started. Who only attaches does not change it, so it tells whose it is to cancel."""

START_LIMIT_S = 60.0
"""A worker takes up a request within milliseconds, or seconds when the machine is busy."""

RPC_LIMIT = timedelta(seconds=10)

GoldDay = WorkflowHandle[Any, dict[str, Any]]


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

    :returns: a handle of that very run.
    :raises NoWorkerError: nobody took it up in time.
    """
    request = {"force": force, "requestedBy": f"airflow {task}"}
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


async def started_by(run: GoldDay) -> str | None:
    """The Airflow task that started this run; None when something else did."""
    memo = await (await run.describe(rpc_timeout=RPC_LIMIT)).memo()
    return memo.get(STARTED_BY)
