"""A person's view of the running Airflow: its REST interface."""

from __future__ import annotations

from typing import Any

import httpx
from stack import CONFIG, eventually

DAG = "gold_user_activity"
TASK = "gold_day"


class Airflow:
    """Signed in as the generated user."""

    def __init__(self) -> None:
        service = CONFIG["airflow"]
        self._http = httpx.Client(base_url=service["url"], timeout=60)
        login = {"username": service["user"], "password": service["password"]}
        token = self._ok(self._http.post("/auth/token", json=login))["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    @staticmethod
    def _ok(answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, **params: Any) -> Any:
        return self._ok(self._http.get(f"/api/v2/{path}", params=params))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._ok(self._http.post(f"/api/v2/{path}", json=body))

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._ok(self._http.patch(f"/api/v2/{path}", json=body))

    def delete(self, path: str) -> None:
        answer = self._http.delete(f"/api/v2/{path}")
        assert answer.is_success, answer.text

    def trigger(self, day: str, at: str = "00:00:00", *, dated: str | None = None, **conf: Any) -> str:
        """
        Runs the DAG for a day.

        :param at: tells several runs of one day apart.
        :param dated: the logical date, where it is not the day: Airflow runs no task of the future.
        """
        interval = {"data_interval_start": f"{day}T00:00:00Z", "data_interval_end": f"{day}T23:59:59Z"}
        run = self.post(f"dags/{DAG}/dagRuns", {"logical_date": f"{dated or day}T{at}Z", "conf": conf, **interval})
        return str(run["dag_run_id"])

    def run(self, run_id: str) -> Any:
        return self.get(f"dags/{DAG}/dagRuns/{run_id}")

    def task(self, run_id: str) -> Any:
        return self.get(f"dags/{DAG}/dagRuns/{run_id}/taskInstances/{TASK}")

    def until_task(self, run_id: str, state: str, try_number: int = 1) -> Any:
        """Waits for a state of the task, in the try named or a later one."""

        def is_so() -> Any:
            task = self.task(run_id)
            return task if task["state"] == state and task["try_number"] >= try_number else None

        return eventually(f"{run_id} to be {state}", is_so)

    def until_success(self, run_id: str) -> dict[str, Any]:
        """Waits for the run's end, which must be good, and gives what the task returned."""
        end = eventually(
            f"{run_id} to end",
            lambda: state if (state := self.run(run_id)["state"]) in ("success", "failed") else None,
        )
        assert end == "success", f"{run_id} {end}: {self.log(run_id)}"
        path = f"dags/{DAG}/dagRuns/{run_id}/taskInstances/{TASK}/xcomEntries/return_value"
        value: dict[str, Any] = self.get(path, deserialize=True)["value"]
        return value

    def clear(self, run_id: str) -> None:
        self.post(
            f"dags/{DAG}/clearTaskInstances",
            {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": [TASK]},
        )

    def mark(self, run_id: str, state: str) -> None:
        self.patch(f"dags/{DAG}/dagRuns/{run_id}/taskInstances/{TASK}", {"new_state": state})

    def log(self, run_id: str, try_number: int = 1) -> str:
        path = f"dags/{DAG}/dagRuns/{run_id}/taskInstances/{TASK}/logs/{try_number}"
        return str(self.get(path, full_content=True)["content"])
