"""The DAG under a real scheduler and triggerer, on a real Temporal, a real control worker and a real ClickHouse."""

from __future__ import annotations

from datetime import date, timedelta

from airflow_api import DAG, Airflow
from airflow_tables import retry_at_once
from days import assert_computed_once, described, waiting
from silver import exact_gold, fill_silver, gold
from stack import assert_never_twice_at_once, attempts, closed_gate, eventually

FIRST = date(2023, 3, 5)
DAYS = [(FIRST + timedelta(days=n)).isoformat() for n in range(3)]


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
    fill_silver(DAYS)
    airflow.post(
        "backfills",
        {
            "dag_id": DAG,
            "from_date": f"{DAYS[0]}T00:00:00Z",
            "to_date": f"{DAYS[-1]}T00:00:00Z",
            "max_active_runs": 3,
        },
    )
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


def test_a_workflow_that_fails_fails_each_try_and_at_last_the_run(airflow: Airflow) -> None:
    day = "2999-01-01"
    run = airflow.trigger(day, dated="2023-04-21")
    for number in (1, 2, 3):
        airflow.until_task(run, "up_for_retry", number)
        assert f"gold-day/{day}: DAY_IN_FUTURE: " in airflow.log(run, number)
        retry_at_once(run)
    task = airflow.until_task(run, "failed", 4)
    assert (task["try_number"], task["max_tries"]) == (4, 3)
    assert f"gold-day/{day}: DAY_IN_FUTURE: " in airflow.log(run, 4)
    eventually("the run to fail", lambda: airflow.run(run)["state"] == "failed")
    assert attempts(day) == []
