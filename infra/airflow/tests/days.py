"""A day of gold as a test meets it: its workflow, asked of Temporal directly, and the task that waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow_api import Airflow
from stack import CONFIG, attempts, eventually
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle


def temporal(day: str, run_id: str | None = None) -> WorkflowHandle[Any, Any]:
    address, namespace = CONFIG["temporal"]["address"], CONFIG["temporal"]["namespace"]
    client = asyncio.run(Client.connect(address, namespace=namespace, lazy=True))
    return client.get_workflow_handle(f"gold-day/{day}", run_id=run_id)


def described(day: str, run_id: str | None = None) -> tuple[str, str]:
    """Run id and status of the day's workflow: of the newest run, or of that one."""
    found = asyncio.run(temporal(day, run_id).describe())
    assert found.status is not None
    return found.run_id, found.status.name


RUNNING = WorkflowExecutionStatus.RUNNING.name
CANCELED = WorkflowExecutionStatus.CANCELED.name


def waiting(airflow: Airflow, day: str, at: str = "00:00:00") -> tuple[str, str]:
    """A run of the DAG whose task waits in the triggerer for a workflow at the gate: its id, and the workflow's run."""
    run = airflow.trigger(day, at)
    airflow.until_task(run, "deferred")
    eventually("its wait to begin", lambda: " starting" in airflow.log(run))
    workflow, status = described(day)
    assert status == RUNNING
    return run, workflow


def assert_computed_once(day: str, result: dict[str, Any], workflow: str) -> None:
    """The task returned the one recorded run of the day, which is that workflow's."""
    assert (result["day"], result["status"], result["runId"]) == (day, "complete", workflow)
    assert [(one["run_id"], one["status"]) for one in attempts(day)] == [(workflow, "complete")]


def join(day: str, requested_by: str) -> None:
    """What a person's or a program's wish for the day does to the workflow that runs."""
    asyncio.run(temporal(day).execute_update("request", {"requestedBy": requested_by}))
