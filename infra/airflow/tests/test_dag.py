"""The DAG, its operator and its trigger by themselves, and in one process with a real Temporal and a real worker."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.sdk import DAG, Connection
from airflow.sdk.exceptions import AirflowException
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from stack import CONFIG, attempts, closed_gate, stopped
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError, CancelledError, TerminatedError

from tidemark_airflow import temporal
from tidemark_airflow.gold import GoldDayOperator, GoldDayTrigger, fault_of
from tidemark_airflow.temporal import NoWorkerError, TemporalUnreachableError, connect, start_or_attach

DAGS = Path(__file__).parents[1] / "dags"


@pytest.fixture(scope="module")
def dag() -> DAG:
    initdb()
    bag = DagBag(str(DAGS))
    assert bag.import_errors == {}
    return bag.dags["gold_user_activity"]


def returned(dag: DAG, **options: Any) -> dict[str, Any]:
    run = dag.test(**options)
    assert run.state == "success"
    with create_session() as session:
        found = session.scalars(XComModel.get_many(run_id=run.run_id, dag_ids=run.dag_id, key="return_value")).one()
        value: dict[str, Any] = XComModel.deserialize_value(found)
    return value


def test_a_date_is_computed_once_then_returned_as_recorded_then_forced(dag: DAG) -> None:
    day, at = "2022-02-03", datetime(2022, 2, 4, tzinfo=timezone.utc)  # By hand it is the day that had ended then.
    first = returned(dag, logical_date=at)
    again = returned(dag, logical_date=at)
    forced = returned(dag, logical_date=at, run_conf={"force": True})
    assert [(one["day"], one["reused"]) for one in (first, again, forced)] == [(day, False), (day, True), (day, False)]
    assert again == {**first, "reused": True}
    assert [one["run_id"] for one in attempts(day)] == [first["runId"], forced["runId"]]


def test_a_workflow_that_fails_fails_the_task(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag.get_task("gold_day"), "retries", 0)
    run = dag.test(logical_date=datetime(2999, 1, 1, tzinfo=timezone.utc))
    assert run.state == "failed"
    assert attempts("2998-12-31") == []


def test_the_task_says_why_it_failed() -> None:
    task = GoldDayOperator(task_id="gold_day")
    with pytest.raises(AirflowException, match=r"^gold-day/2999-01-01: DAY_IN_FUTURE: the day is in the future$"):
        task.complete({}, {"error": "gold-day/2999-01-01: DAY_IN_FUTURE: the day is in the future"})


@pytest.mark.parametrize(
    ("cause", "fault"),
    [
        (ApplicationError("waiting for users", type="GATE_TIMEOUT"), "GATE_TIMEOUT: waiting for users"),
        (CancelledError("Workflow cancelled"), "WORKFLOW_ENDED: the workflow was cancelled"),
        (TerminatedError("by hand"), "WORKFLOW_ENDED: by hand"),
    ],
)
def test_a_fault_is_one_line_with_its_code(cause: BaseException, fault: str) -> None:
    assert fault_of(cause) == fault


def test_a_trigger_can_be_taken_over() -> None:
    path, kwargs = GoldDayTrigger("gold-day/2022-02-03", "run", "dag/run/task/-1", "temporal").serialize()
    module, name = path.rsplit(".", 1)
    assert getattr(import_module(module), name)(**kwargs).serialize() == (path, kwargs)


def test_a_run_is_of_the_day_that_has_just_ended(dag: DAG) -> None:
    as_scheduled = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    first, last = (datetime(2024, month, day, tzinfo=timezone.utc) for month, day in ((2, 28), (3, 1)))
    runs = as_scheduled.iter_dagrun_infos_between(first, last)
    days = [(run.data_interval and f"{run.data_interval.start:%F %T}", f"{run.run_after:%F %T}") for run in runs]
    assert days == [
        ("2024-02-28 00:00:00", "2024-02-29 00:00:00"),
        ("2024-02-29 00:00:00", "2024-03-01 00:00:00"),
        ("2024-03-01 00:00:00", "2024-03-02 00:00:00"),
    ]


def first_scheduled() -> str:
    """Start of the first interval that a scheduler without any run so far asks for."""
    read = DagBag(str(DAGS)).dags["gold_user_activity"]
    run = DagSerialization.from_dict(DagSerialization.to_dict(read)).next_dagrun_info(last_automated_run_info=None)
    assert run is not None
    assert run.data_interval is not None
    return f"{run.data_interval.start:%F %T}"


def test_with_a_first_day_it_catches_up_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    initdb()
    monkeypatch.setenv("TIDEMARK_GOLD_FROM", "2023-03-01")
    assert first_scheduled() == "2023-03-01 00:00:00"


def test_where_no_worker_polls_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, "TASK_QUEUE", "nobody")
    monkeypatch.setattr(temporal, "START_LIMIT_S", 1.0)

    async def start() -> None:
        client = await Client.connect(CONFIG["temporal"]["address"])
        with pytest.raises(NoWorkerError, match="no worker answers on nobody"):
            await start_or_attach(client, "2022-02-04", task="dag/run/task/-1", force=False)
        await client.get_workflow_handle("gold-day/2022-02-04").terminate()

    asyncio.run(start())


def test_a_run_that_is_being_cancelled_is_not_joined() -> None:
    day, task = "2022-02-05", "dag/run/task/-1"

    async def start_twice() -> None:
        client = await Client.connect(CONFIG["temporal"]["address"])
        first = await start_or_attach(client, day, task=task, force=False)
        with stopped("worker"):
            await first.cancel()
            starting = asyncio.create_task(start_or_attach(client, day, task=task, force=False))
            # Its request is in Temporal by then, where nothing shows it; should it not be, the test shows less.
            await asyncio.wait([starting], timeout=1)
        second = await starting
        assert second.run_id != first.run_id
        assert (await second.describe()).status == WorkflowExecutionStatus.RUNNING
        await second.cancel()

    with closed_gate():
        asyncio.run(start_twice())


def test_where_no_temporal_is_it_says_so() -> None:
    with pytest.raises(TemporalUnreachableError, match=r"^connecting to Temporal at 127\.0\.0\.1:1: "):
        asyncio.run(connect(Connection(conn_id="temporal", conn_type="temporal", host="127.0.0.1", port=1)))
