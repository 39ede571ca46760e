"""What befalls a task while its day waits or computes, under a real scheduler and triggerer."""

from __future__ import annotations

import signal

import pytest
from airflow_api import DAG, Airflow
from airflow_tables import another_triggerer_has_them, retry_at_once, time_out
from days import CANCELED, RUNNING, assert_computed_once, described, join, waiting
from silver import exact_gold, fill_silver, gold
from slow_fill import fills, slow_fill, staging
from stack import assert_never_twice_at_once, attempts, closed_gate, eventually, kill


def test_cleared_while_it_runs_the_next_try_attaches(airflow: Airflow) -> None:
    day = "2023-04-04"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        airflow.clear(run)
        airflow.until_task(run, "deferred", try_number=2)
        eventually("the first wait to end", lambda: "leaving gold-day/" in airflow.log(run, 1))
        assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)


def test_a_retry_attaches_to_what_runs(airflow: Airflow) -> None:
    day = "2023-04-11"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        time_out(run)
        airflow.until_task(run, "up_for_retry")
        retry_at_once(run)
        airflow.until_task(run, "deferred", try_number=2)
        assert f"run {workflow}" in airflow.log(run, 2)
        assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)
    assert airflow.task(run)["try_number"] == 2


def test_a_triggerer_that_lost_its_triggers_to_another_cancels_nothing(airflow: Airflow) -> None:
    day = "2023-04-07"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        with another_triggerer_has_them():
            eventually("the first wait to end", lambda: "its task is deferred" in airflow.log(run))
            assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)


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


def test_marked_as_failed_it_leaves_what_others_joined(airflow: Airflow) -> None:
    day = "2023-04-12"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        other, joined = waiting(airflow, day, "01:00:00")
        assert joined == workflow
        join(day, "ada (cli)")
        airflow.mark(run, "failed")
        others = f"airflow {DAG}/{other}/gold_day/-1, ada (cli)"
        eventually("its wait to end", lambda: f"leaving gold-day/{day}: {others} asked for it, too" in airflow.log(run))
        assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(other), workflow)


def test_the_wait_outlives_temporal(airflow: Airflow) -> None:
    day = "2023-04-10"
    with closed_gate():
        run, workflow = waiting(airflow, day)
        kill("temporal", signal.SIGKILL)
    assert_computed_once(day, airflow.until_success(run), workflow)
    assert airflow.task(run)["try_number"] == 1


@pytest.mark.parametrize(("day", "number"), [("2023-04-05", signal.SIGKILL), ("2023-04-06", signal.SIGTERM)])
def test_the_end_of_the_triggerer_ends_nothing(airflow: Airflow, day: str, number: signal.Signals) -> None:
    with closed_gate():
        run, workflow = waiting(airflow, day)
        kill("airflow-triggerer", number)
        assert described(day) == (workflow, RUNNING)
    assert_computed_once(day, airflow.until_success(run), workflow)
    assert airflow.task(run)["try_number"] == 1


def test_marked_as_failed_then_cleared_while_it_computes(airflow: Airflow) -> None:
    day = "2023-04-13"
    fill_silver([day])
    with slow_fill(day):
        run = airflow.trigger(day)
        eventually("its INSERT to run", lambda: fills(day))
        # Before the task has handed its wait over there is no trigger that could hear of its end.
        airflow.until_task(run, "deferred")
        eventually("its wait to begin", lambda: " starting" in airflow.log(run))
        workflow, _ = described(day)
        airflow.mark(run, "failed")
        eventually("the workflow to be cancelled", lambda: described(day, workflow)[1] == CANCELED)
        airflow.clear(run)
        airflow.until_task(run, "success", try_number=2)
    result = airflow.until_success(run)
    assert (result["reused"], result["runId"]) == (False, described(day)[0])
    computed = [(one["run_id"], one["status"]) for one in attempts(day) if one["attempt"] > 0]
    assert computed == [(workflow, "abandoned"), (result["runId"], "complete")]
    assert_never_twice_at_once(day)
    assert gold(day) == exact_gold(day)
    assert (fills(day), staging(day)) == ([], [])
