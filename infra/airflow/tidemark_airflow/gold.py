"""One day of gold as a deferrable task: starts or joins the day's workflow, and waits for it in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError, RPCStatusCode

from tidemark_airflow.temporal import (
    RPC_LIMIT,
    GoldDay,
    TemporalUnreachableError,
    connect,
    others_in,
    start_or_attach,
    started_by,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

DEFAULT_CONNECTION = "tidemark_temporal"

DAY_OF_RUN = "{{ (data_interval_start | default(dag_run.run_after - macros.timedelta(days=1), true)) | ds }}"
"""The first day of the data interval; of a run that has none, the day before it was due."""

OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed", "deleted"})
"""States in which nobody waits for a task any more. In every other one a next try attaches to what runs."""

PASSING = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNKNOWN,
    }
)
"""What Temporal answers while it restarts or is overloaded: the workflow goes on, so the wait does, too."""

ASK_AGAIN_S = 5.0

ENDING: set[asyncio.Task[None]] = set()
"""Keeps what triggers end until it is ended: the event loop itself holds tasks weakly."""


class GoldDayOperator(BaseOperator):
    """
    Computes `gold_user_activity` of one UTC day by Tidemark's workflow `goldDay`, and returns the recorded run.

    :param day: the day, `YYYY-MM-DD`; the default is that of the data interval, else the day before the run.
    :param force: computes anew although the recorded run stands; the default is the parameter `force` of the DAG run.
    :param temporal_conn_id: the Airflow connection that names Temporal.
    """

    template_fields: Sequence[str] = ("day",)
    ui_color = "#f4d35e"

    def __init__(
        self,
        *,
        day: str = DAY_OF_RUN,
        force: bool | None = None,
        temporal_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.force = force
        self.temporal_conn_id = temporal_conn_id

    def execute(self, context: Context) -> NoReturn:
        """Starts or joins the day's workflow, and leaves the worker."""
        ti = context["ti"]
        task = f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}"
        force = bool(context["params"].get("force", False)) if self.force is None else self.force
        workflow_id, run_id = asyncio.run(self._start(task, force))
        self.defer(
            trigger=GoldDayTrigger(workflow_id, run_id, task, self.temporal_conn_id),
            method_name="complete",
            timeout=self.execution_timeout,
        )

    async def _start(self, task: str, force: bool) -> tuple[str, str]:
        client = await connect(await BaseHook.aget_connection(self.temporal_conn_id))
        run = await start_or_attach(client, self.day, task=task, force=force)
        how = "started" if await started_by(run) == task else "attached to"
        self.log.info("%s workflow %s, run %s", how, run.id, run.run_id)
        return run.id, str(run.run_id)

    def complete(self, _context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Ends the task as the workflow ended, where the trigger does not do so itself: in `dag.test()`."""
        if "error" in event:
            raise AirflowException(event["error"])
        result: dict[str, Any] = event["result"]
        return result


class GoldDayTrigger(BaseTrigger):
    """
    Waits for one run of a workflow, and ends its task as it ends: with the recorded run, or its fault.

    :param task: who waits, as it is written into the memo of a workflow that it starts.
    """

    def __init__(self, workflow_id: str, run_id: str, task: str, temporal_conn_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.task_key = task
        self.temporal_conn_id = temporal_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What another triggerer needs to go on waiting."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "workflow_id": self.workflow_id,
            "run_id": self.run_id,
            "task": self.task_key,
            "temporal_conn_id": self.temporal_conn_id,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Waits for the end of the workflow, through any restart of Temporal."""
        outcome = await self._outcome()
        while outcome is None:
            await asyncio.sleep(ASK_AGAIN_S)
            outcome = await self._outcome()
        yield self._ended(outcome)

    def _ended(self, outcome: dict[str, Any]) -> TriggerEvent:
        """
        Ends the task from here, without another worker.

        Resuming it is not safe: where a workflow ends at once, the scheduler may hear only after the task runs again
        that its first worker has left, takes that for its end, and fails it (apache/airflow#71580).
        """
        event: TaskSuccessEvent | TaskFailedEvent
        if "error" in outcome:
            self.log.error("%s", outcome["error"])
            event = TaskFailedEvent()
        else:
            how = "as recorded" if outcome["result"]["reused"] else "computed"
            self.log.info("%s: %s", self.workflow_id, how)
            event = TaskSuccessEvent(xcoms={"return_value": outcome["result"]})
        # What `dag.test()` resumes the task with, as it knows no end from a trigger.
        event.payload = outcome
        return event

    async def _outcome(self) -> dict[str, Any] | None:
        """What the workflow came to; None when Temporal cannot say now."""
        try:
            run = await self._workflow()
            return {"result": await run.result()}
        except WorkflowFailureError as error:
            return {"error": f"{self.workflow_id}: {fault_of(error.cause)}"}
        except TemporalUnreachableError as error:
            self.log.warning("%s", error)
        except RPCError as error:
            if error.status not in PASSING:
                return {"error": f"{self.workflow_id}: Temporal says {error.status.name}: {error}"}
            self.log.warning("waiting for %s: %s", self.workflow_id, error)
        return None

    async def _workflow(self) -> GoldDay:
        client = await connect(await BaseHook.aget_connection(self.temporal_conn_id))
        return client.get_workflow_handle(self.workflow_id, run_id=self.run_id)

    async def on_kill(self) -> None:
        """
        Cancels the workflow that this task started and no other asked for, when nobody waits for it any more.

        Airflow calls this when a trigger is taken away from a running triggerer. That is not only when somebody ended
        the task: a triggerer that was slow meets it, too, after another one has taken its triggers over; and so does
        the wait of a task that was cleared, whose next try is about to attach. The task's state tells these apart.

        It ends what it has begun: while this runs a triggerer may take the same trigger away again, which cancels it.
        """
        ending = asyncio.create_task(self._end())
        ENDING.add(ending)
        ending.add_done_callback(ENDING.discard)
        await asyncio.shield(ending)

    async def _end(self) -> None:
        state = await self._task_state()
        if state not in OVER:
            self.log.info("leaving %s: its task is %s", self.workflow_id, state)
            return
        run = await self._workflow()
        owner = await started_by(run)
        if owner != self.task_key:
            self.log.info("leaving %s: %s started it", self.workflow_id, owner or "no task")
            return
        if others := await others_in(run, self.task_key):
            self.log.info("leaving %s: %s asked for it, too", self.workflow_id, ", ".join(others))
            return
        self.log.info("cancelling %s: its task is %s", self.workflow_id, state)
        await run.cancel(rpc_timeout=RPC_LIMIT)

    async def _task_state(self) -> str:
        ti = self.task_instance
        if ti is None:
            raise RuntimeError(f"ending the wait for {self.workflow_id}: the trigger knows no task")
        ask = sync_to_async(RuntimeTaskInstance.get_task_states)
        states = await ask(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index)
        key = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
        # A task that was just cleared has no state yet; one whose DAG run was deleted is not there.
        return str(states.get(ti.run_id, {}).get(key, "deleted"))


def fault_of(cause: BaseException) -> str:
    """How a workflow ended, in one line: its own code and message, or what was done to it."""
    if isinstance(cause, ApplicationError):
        return f"{cause.type}: {cause.message}"
    if isinstance(cause, CancelledError):
        return "WORKFLOW_ENDED: the workflow was cancelled"
    return f"WORKFLOW_ENDED: {cause}"
