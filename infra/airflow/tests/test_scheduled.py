"""The DAG under a real scheduler and triggerer, on a real Temporal, a real control worker and a real ClickHouse."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta, timezone
from typing import Any

import psycopg2
import pytest
from airflow_api import DAG, Airflow
from stack import CONFIG, assert_never_twice_at_once, attempts, clickhouse, closed_gate, eventually, kill
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle


@pytest.fixture(scope="module")
def airflow() -> Iterator[Airflow]:
    api = Airflow()
    for run in api.get(f"dags/{DAG}/dagRuns")["dag_runs"]:
        api.patch(f"dags/{DAG}/dagRuns/{run['dag_run_id']}", {"state": "failed"})
        api.delete(f"dags/{DAG}/dagRuns/{run['dag_run_id']}")
    clickhouse("TRUNCATE TABLE ops_gold_runs")
    api.patch(f"dags/{DAG}", {"is_paused": False})
    yield api
    api.patch(f"dags/{DAG}", {"is_paused": True})


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


FIRST = date(2023, 3, 5)
DAYS = [(FIRST + timedelta(days=n)).isoformat() for n in range(3)]
USERS = range(8_100_000_001, 8_100_000_005)


def event_times(day: str, user: int) -> list[datetime]:
    """What a user did on a day: as many events as both say, at times that both say."""
    start = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    count = (user + start.day) % 4
    return [start + timedelta(hours=5 * n, minutes=user % 60) for n in range(count)]


def fill_silver() -> None:
    users = ", ".join(f"({user}, 'User {user}', '{user}@example.com', 0, 1)" for user in USERS)
    clickhouse(f"INSERT INTO silver_users (user_id, full_name, email, is_deleted, version) VALUES {users}")
    events = ", ".join(
        f"('{day}', '\"airflow-{day}-{user}-{n}\"', {user}, 'login', '{at:%Y-%m-%d %H:%M:%S}.000', '{{}}', 0, 1)"
        for day in DAYS
        for user in USERS
        for n, at in enumerate(event_times(day, user))
    )
    columns = "day, event_id, user_id, event_type, ts, payload, is_deleted, version"
    clickhouse(f"INSERT INTO silver_events ({columns}) VALUES {events}")


def gold(day: str) -> list[tuple[int, int, str]]:
    rows = clickhouse(
        "SELECT toString(user_id) AS user, toString(total_events) AS events, toString(last_event_at) AS last"
        f" FROM gold_user_activity WHERE day = '{day}' ORDER BY user_id FORMAT JSONEachRow"
    )
    return [(int(row["user"]), int(row["events"]), row["last"]) for row in rows]


def exact_gold(day: str) -> list[tuple[int, int, str]]:
    times = {user: event_times(day, user) for user in USERS}
    return [(user, len(at), f"{at[-1]:%Y-%m-%d %H:%M:%S}.000") for user, at in times.items() if at]


def test_unpaused_it_runs_the_day_that_has_just_ended(airflow: Airflow) -> None:
    run = eventually(
        "a scheduled run",
        lambda: airflow.get(f"dags/{DAG}/dagRuns", run_type="scheduled")["dag_runs"],
    )[0]
    # The day before the one on which it was queued: also when midnight has passed since.
    ended = (date.fromisoformat(run["queued_at"][:10]) - timedelta(days=1)).isoformat()
    assert run["data_interval_start"].startswith(ended)
    result = airflow.until_success(run["dag_run_id"])
    assert (result["day"], result["isFinal"]) == (ended, True)
    assert len(airflow.get(f"dags/{DAG}/dagRuns", run_type="scheduled")["dag_runs"]) == 1, "no catching up unasked"


def test_a_backfill_of_three_days_computes_each_once(airflow: Airflow) -> None:
    fill_silver()
    backfill = airflow.post(
        "backfills",
        {
            "dag_id": DAG,
            "from_date": f"{DAYS[0]}T00:00:00Z",
            "to_date": f"{DAYS[-1]}T00:00:00Z",
            "max_active_runs": 3,
        },
    )["id"]
    eventually("the backfill", lambda: airflow.get(f"backfills/{backfill}")["completed_at"], 180)
    runs = airflow.get(f"dags/{DAG}/dagRuns", run_type="backfill", order_by="logical_date")["dag_runs"]
    assert [run["data_interval_start"][:10] for run in runs] == DAYS
    for day, run in zip(DAYS, runs, strict=True):
        result = airflow.until_success(run["dag_run_id"])
        assert_computed_once(day, result, described(day)[0])
        assert gold(day) == exact_gold(day)
        assert attempts(day)[0]["requested_by"] == f"airflow {DAG}/{run['dag_run_id']}/gold_day/-1"


def test_a_date_run_again_returns_the_recorded_run(airflow: Airflow) -> None:
    day = "2023-04-01"
    run = airflow.trigger(day)
    first = airflow.until_success(run)
    airflow.clear(run)
    airflow.until_task(run, "success", try_number=2)
    again = airflow.until_success(run)
    assert (first["reused"], again["reused"], again["runId"]) == (False, True, first["runId"])
    assert_computed_once(day, again, first["runId"])


def test_forced_it_is_computed_anew(airflow: Airflow) -> None:
    day = "2023-04-02"
    first = airflow.until_success(airflow.trigger(day))
    forced = airflow.until_success(airflow.trigger(day, "01:00:00", force=True))
    assert (forced["reused"], forced["forced"]) == (False, True)
    assert [one["run_id"] for one in attempts(day)] == [first["runId"], forced["runId"]]
    assert_never_twice_at_once(day)


def test_two_runs_of_one_date_at_once_are_one_computation(airflow: Airflow) -> None:
    day = "2023-04-03"
    with closed_gate():
        one, workflow = waiting(airflow, day)
        other, joined = waiting(airflow, day, "01:00:00")
        assert joined == workflow
    for run in (one, other):
        assert_computed_once(day, airflow.until_success(run), workflow)
    requested_by = attempts(day)[0]["requested_by"]
    assert one in requested_by
    assert other in requested_by


def test_cleared_while_it_runs_the_next_try_attaches(airflow: Airflow) -> None:
    day = "2023-04-04"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        airflow.clear(run)
        airflow.until_task(run, "deferred", try_number=2)
        eventually("the first wait to end", lambda: "leaving gold-day/" in airflow.log(run, 1))
        assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)


@pytest.mark.parametrize(("day", "number"), [("2023-04-05", signal.SIGKILL), ("2023-04-06", signal.SIGTERM)])
def test_the_end_of_the_triggerer_ends_nothing(airflow: Airflow, day: str, number: signal.Signals) -> None:
    with closed_gate():
        run, workflow = waiting(airflow, day)
        kill("airflow-triggerer", number)
        assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)
    assert airflow.task(run)["try_number"] == 1


def test_a_triggerer_that_lost_its_triggers_to_another_cancels_nothing(airflow: Airflow) -> None:
    day = "2023-04-07"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        with another_triggerer_has_them():
            eventually("the first wait to end", lambda: "its task is deferred" in airflow.log(run))
            assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)


@contextmanager
def another_triggerer_has_them() -> Iterator[None]:
    """As Airflow's tables look to a triggerer that wakes up, when another one has taken its triggers over meanwhile."""
    with closing(psycopg2.connect(os.environ["AIRFLOW_TABLES"])) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(
            "INSERT INTO job (job_type, state, hostname, start_date, latest_heartbeat)"
            " VALUES ('TriggererJob', 'running', 'another', now(), now() + INTERVAL '1 hour') RETURNING id"
        )
        (another,) = cursor.fetchone()
        cursor.execute("UPDATE trigger SET triggerer_id = %s WHERE triggerer_id IS NOT NULL", (another,))
        try:
            yield
        finally:
            cursor.execute("DELETE FROM job WHERE id = %s", (another,))


def test_marked_as_failed_it_cancels_what_it_started_and_can_be_run_again(airflow: Airflow) -> None:
    day = "2023-04-08"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        airflow.mark(run, "failed")
        eventually("the workflow's end", lambda: described(day, workflow)[1] == CANCELED)
        assert [(one["status"], one["error_code"]) for one in attempts(day)] == [("failed", "CANCELLED")]
    airflow.clear(run)
    airflow.until_task(run, "success", try_number=2)
    result = airflow.until_success(run)
    assert (result["reused"], result["runId"]) == (False, described(day)[0])
    assert_never_twice_at_once(day)


def test_marked_as_failed_it_leaves_what_another_started(airflow: Airflow) -> None:
    day = "2023-04-09"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        other, joined = waiting(airflow, day, "01:00:00")
        assert joined == workflow
        airflow.mark(other, "failed")
        eventually("its wait to end", lambda: f"{DAG}/{run}/gold_day/-1 started it" in airflow.log(other))
        assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)


def test_the_wait_outlives_temporal(airflow: Airflow) -> None:
    day = "2023-04-10"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        kill("temporal", signal.SIGKILL)
    assert_computed_once(day, airflow.until_success(run), workflow)
    assert airflow.task(run)["try_number"] == 1
