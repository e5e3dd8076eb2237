"""`/system/gc`, `/system/purgeaudit`, `/schedules`: runs, their logs, and when they begin by themselves."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from moorage.audit.model import Query
from moorage.audit.store import AuditStore
from moorage.clock import utcnow
from moorage.db.connection import atomic, close_connection
from moorage.events import SYSTEM
from moorage.jobs.model import Execution, State, Trigger
from moorage.jobs.run import Run
from moorage.jobs.runner import Handler, Runner
from moorage.jobs.schedules import Schedules
from moorage.jobs.store import JobStore
from moorage.projects.model import Project
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, links_of, message_of, repository_path
from tests.support.images import image
from tests.support.people import People

GC = "/system/gc"
PURGE = "/system/purgeaudit"
BASES = {GC: "gc", PURGE: "purge"}
NEVER = "0001-01-01T00:00:00.000Z"
MANUAL = {"schedule": {"type": "Manual"}}
DAILY = {"schedule": {"type": "Daily", "cron": ""}, "parameters": {"dry_run": True}}

both = pytest.mark.parametrize("base", BASES)


@pytest.fixture
def carry_out(services: Services) -> Callable[..., Execution]:
    """Carries out a run with a handler of the test's."""

    def work(run_id: int, handler: Handler, watch: Callable[[Execution], None] | None = None) -> Execution:
        handlers = {"gc": handler, "purge": handler}
        runner = Runner(JobStore(), services.events, services.clock, handlers)
        return runner.run(run_id, watch=watch)

    return work


def start(portal: Portal, base: str, **parameters: object) -> int:
    """The number of a run that was asked for just now."""
    made = portal.post(f"{base}/schedule", {**MANUAL, "parameters": parameters})
    assert (made.status_code, made.text) == (201, "")
    place, _, number = made.headers["location"].rpartition("/")
    assert place == f"/api/v2.0{base}"
    return int(number)


def done(run: Run) -> Mapping[str, object]:
    run.say("looked at everything")
    run.say("one is odd", level="warning")
    return {"freed_bytes": 12, "blobs": 3, "manifests": 1, "message": "3 blobs removed"}


def logged(admin: Portal, services: Services) -> list[str]:
    services.audit.flush()
    found = admin.get("/auditlog-exts", page_size=100).json
    return [each["moorage"]["operation"] for each in reversed(found)]


@both
def test_a_run_that_was_asked_for_waits_until_it_is_taken_up(admin: Portal, base: str) -> None:
    run_id = start(admin, base, dry_run=True)
    found = admin.get(f"{base}/{run_id}").json
    assert (found["id"], found["job_status"], found["deleted"]) == (run_id, "Pending", False)
    assert found["job_kind"] == "MANUAL"
    assert found["schedule"] == {"type": "Manual", "cron": "", "next_scheduled_time": NEVER}
    assert json.loads(found["job_parameters"])["dry_run"] is True
    assert found["moorage"]["requested_by"] == "admin"
    assert (found["moorage"]["started_time"], found["moorage"]["ended_time"]) == (NEVER, NEVER)
    assert admin.get(base).json == [found]
    assert admin.get(f"{base}/{run_id}/log").text == ""


def test_a_run_bears_harbors_name_of_the_job(admin: Portal) -> None:
    assert admin.get(f"{GC}/{start(admin, GC)}").json["job_name"] == "GARBAGE_COLLECTION"
    assert admin.get(f"{PURGE}/{start(admin, PURGE)}").json["job_name"] == "PURGE_AUDIT_LOG"


@both
def test_only_one_runs_at_a_time(admin: Portal, base: str) -> None:
    start(admin, base)
    refused = admin.post(f"{base}/schedule", MANUAL)
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    assert admin.put(f"{base}/schedule", MANUAL).status_code == 409
    assert len(admin.get(base).json) == 1


def test_a_collection_that_is_over_says_what_it_came_to(
    admin: Portal, carry_out: Callable[..., Execution]
) -> None:
    run_id = start(admin, GC, delete_untagged=True, workers=2)
    carry_out(run_id, done)
    found = admin.get(f"{GC}/{run_id}").json
    assert found["job_status"] == "Success"
    assert found["moorage"]["result"]["freed_bytes"] == 12
    assert found["moorage"]["message"] == "3 blobs removed"
    assert found["update_time"] == found["moorage"]["ended_time"] != NEVER
    assert json.loads(found["job_parameters"]) == {
        "dry_run": False,
        "delete_untagged": True,
        "workers": 2,
        "freed_space": 12,
        "purged_blobs": 3,
        "purged_manifests": 1,
    }


@both
def test_the_log_of_a_run_is_text(admin: Portal, base: str, carry_out: Callable[..., Execution]) -> None:
    run_id = start(admin, base)
    carry_out(run_id, done)
    answer = admin.get(f"{base}/{run_id}/log")
    assert answer.headers["content-type"].startswith("text/plain")
    first, second = answer.text.splitlines()
    assert first.endswith("Z [INFO] looked at everything")
    assert second.endswith("Z [WARNING] one is odd")


def test_a_log_is_shown_to_its_end_however_long(
    admin: Portal, carry_out: Callable[..., Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moorage.web.harbor.jobs._LINES_AT_ONCE", 3)
    run_id = start(admin, GC)

    def talk(run: Run) -> Mapping[str, object]:
        for number in range(10):
            run.say(f"line {number}")
        return {}

    carry_out(run_id, talk)
    lines = admin.get(f"{GC}/{run_id}/log").text.splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == list(map(str, range(10)))


@both
def test_a_run_that_failed_says_why(admin: Portal, base: str, carry_out: Callable[..., Execution]) -> None:
    run_id = start(admin, base)

    def fail(run: Run) -> Mapping[str, object]:
        raise LookupError("the password is 1234")

    carry_out(run_id, fail)
    answer = admin.get(f"{base}/{run_id}")
    assert answer.json["job_status"] == "Error"
    assert answer.json["moorage"]["message"]
    assert "1234" not in answer.text


@both
def test_progress_is_seen_while_it_runs_and_a_stop_stops_it(
    admin: Portal, base: str, carry_out: Callable[..., Execution], services: Services
) -> None:
    run_id = start(admin, base)
    seen = threading.Event()

    def wait(run: Run) -> Mapping[str, object]:
        run.say("half-way")
        run.count(found=7)
        run.mark(cursor="ab")
        while not run.stopping:
            run.pause(60)
        return {"found": 7}

    def watch(execution: Execution) -> None:
        if execution.progress and services.executions.log(run_id):
            seen.set()

    def work() -> None:
        carry_out(run_id, wait, watch)
        close_connection()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert seen.wait(30)
        found = admin.get(f"{base}/{run_id}").json
        assert (found["job_status"], found["moorage"]["progress"]) == (
            "Running",
            {"found": 7, "cursor": "ab"},
        )
        assert admin.get(f"{base}/{run_id}/log").text.endswith("half-way\n")
        stopped = admin.put(f"{base}/{run_id}")
        assert (stopped.status_code, stopped.text) == (200, "")
    finally:
        services.executions.stop(SYSTEM, run_id)
        thread.join(10)
    assert not thread.is_alive()
    found = admin.get(f"{base}/{run_id}").json
    assert (found["job_status"], found["moorage"]["result"]["found"]) == ("Stopped", 7)
    kind = BASES[base]
    assert logged(admin, services)[-3:] == [f"start_{kind}", f"stop_{kind}", f"finish_{kind}"]
    assert admin.put(f"{base}/{run_id}").status_code == 200
    assert admin.get(f"{base}/{run_id}").json == found


@both
def test_a_run_that_waits_is_stopped_at_once(admin: Portal, base: str) -> None:
    run_id = start(admin, base)
    assert admin.put(f"{base}/{run_id}").status_code == 200
    assert admin.get(f"{base}/{run_id}").json["job_status"] == "Stopped"
    assert start(admin, base) > run_id


@both
@pytest.mark.parametrize("run_id", ["999999", "0", "-1", "x", "1e3", "9" * 40, "%27", "1;DROP TABLE job"])
def test_there_is_no_run_where_there_is_none(admin: Portal, base: str, run_id: str) -> None:
    start(admin, base)
    for method, path in (("GET", ""), ("PUT", ""), ("GET", "/log")):
        refused = admin.request(method, f"{base}/{run_id}{path}")
        assert (refused.status_code, code_of(refused)) == (404, "NOT_FOUND")


def test_a_run_of_one_job_is_none_of_another(admin: Portal, services: Services) -> None:
    run_id = start(admin, PURGE)
    for method, path in (("GET", ""), ("PUT", ""), ("GET", "/log")):
        assert admin.request(method, f"{GC}/{run_id}{path}").status_code == 404
    assert services.executions.get(run_id).state is State.PENDING
    assert admin.get(GC).json == []


@pytest.fixture
def history(admin: Portal, services: Services, carry_out: Callable[..., Execution]) -> list[int]:
    """Five collections, of which the second was stopped and the last waits."""
    found = []
    for number in range(5):
        found.append(services.executions.request(SYSTEM, "gc", trigger=Trigger.SCHEDULE).id)
        if number == 1:
            services.executions.stop(SYSTEM, found[-1])
        elif number != 4:
            carry_out(found[-1], done)
    services.executions.request(SYSTEM, "purge", trigger=Trigger.MANUAL)
    return found


def ids(portal: Portal, **parameters: object) -> list[int]:
    answer = portal.get(GC, **parameters)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json]


def test_the_history_is_newest_first_in_pages(admin: Portal, history: list[int]) -> None:
    assert ids(admin) == history[::-1]
    first = admin.get(GC, page_size=2)
    assert first.headers["x-total-count"] == "5"
    assert [each["id"] for each in first.json] == [history[4], history[3]]
    assert [each["id"] for each in admin.get(links_of(first)["next"]).json] == [history[2], history[1]]
    assert ids(admin, page_size=2, page=3) == [history[0]]
    assert ids(admin, page_size=2, page=4) == []


@pytest.mark.parametrize("field", ["id", "creation_time", "start_time"])
def test_the_history_can_be_turned_round(admin: Portal, history: list[int], field: str) -> None:
    assert ids(admin, sort=f"-{field}") == history[::-1]
    assert ids(admin, sort=field) == history
    assert ids(admin, sort=field, page_size=2) == history[:2]
    assert ids(admin, sort=field, page_size=2, page=3) == history[4:]
    assert ids(admin, sort=field, page_size=2, page=4) == []


def test_the_history_can_be_asked_for_a_status(admin: Portal, history: list[int]) -> None:
    assert ids(admin, q="job_status=Stopped") == [history[1]]
    assert ids(admin, q="status=success", sort="id") == [history[0], history[2], history[3]]
    assert ids(admin, q="job_status=Pending") == [history[4]]
    assert ids(admin, q="job_status=Error") == []
    for q in ("job_status=Odd", "job_status=Error,status=Success", "job_status=~Err", "subject=0"):
        assert admin.get(GC, q=q).status_code == 400, q


@both
@pytest.mark.parametrize(
    ("pattern", "cron"), [("Hourly", "0 0 * * * *"), ("Daily", "0 0 0 * * *"), ("Weekly", "0 0 0 * * 0")]
)
def test_a_schedule_with_a_name_needs_no_cron(admin: Portal, base: str, pattern: str, cron: str) -> None:
    made = admin.post(f"{base}/schedule", {"schedule": {"type": pattern}})
    assert (made.status_code, made.text) == (201, "")
    found = admin.get(f"{base}/schedule").json
    assert (found["schedule"]["type"], found["schedule"]["cron"], found["job_kind"]) == (pattern, cron, cron)
    assert found["schedule"]["next_scheduled_time"] > found["update_time"]
    assert found["id"] > 0


@both
def test_a_schedule_is_set_once_replaced_and_switched_off(
    admin: Portal, base: str, services: Services
) -> None:
    assert admin.post(f"{base}/schedule", DAILY).status_code == 201
    assert json.loads(admin.get(f"{base}/schedule").json["job_parameters"])["dry_run"] is True
    refused = admin.post(f"{base}/schedule", DAILY)
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    changed = admin.put(
        f"{base}/schedule", {"schedule": {"type": "Custom", "cron": "0 30 4 * * 1-5"}, "parameters": {}}
    )
    assert (changed.status_code, changed.text) == (200, "")
    found = admin.get(f"{base}/schedule").json
    assert (found["schedule"]["type"], found["schedule"]["cron"]) == ("Custom", "0 30 4 * * 1-5")
    assert json.loads(found["job_parameters"])["dry_run"] is False
    assert admin.put(f"{base}/schedule", {"schedule": {"type": "None"}}).status_code == 200
    off = admin.get(f"{base}/schedule").json["schedule"]
    assert off == {"type": "None", "cron": "", "next_scheduled_time": NEVER}
    assert services.schedules.plan_due(services.executions) == 0
    assert admin.post(f"{base}/schedule", DAILY).status_code == 201
    assert logged(admin, services).count("update_schedule") == 4


@both
def test_the_schedule_of_the_configuration_is_shown_and_can_be_replaced(admin: Portal, base: str) -> None:
    found = admin.get(f"{base}/schedule").json
    assert (found["id"], found["schedule"]["type"]) == (0, "Custom")
    assert found["schedule"]["cron"]
    assert admin.post(f"{base}/schedule", DAILY).status_code == 201


@both
def test_what_a_client_got_can_be_sent_back(admin: Portal, base: str) -> None:
    admin.post(f"{base}/schedule", DAILY)
    found = admin.get(f"{base}/schedule").json
    assert admin.put(f"{base}/schedule", found).status_code == 200
    assert admin.get(f"{base}/schedule").json["schedule"] == found["schedule"]


@both
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"schedule": None},
        {"schedule": "Daily"},
        {"schedule": {}},
        {"schedule": {"type": "daily"}},
        {"schedule": {"type": "Custom"}},
        {"schedule": {"type": "Schedule", "cron": ""}},
        {"schedule": {"type": "Custom", "cron": "* * * * *"}},
        {"schedule": {"type": "Custom", "cron": "0 0 25 * * *"}},
        {"schedule": {"type": "Custom", "cron": "0 0 0 0 * *"}},
        {"schedule": {"type": "Hourly", "cron": "'; DROP TABLE job;--"}},
        {"schedule": {"type": "Custom", "cron": 7}},
        {"schedule": {"type": "Manual", "when": "now"}},
        {"schedule": {"type": "Manual"}, "parameters": []},
        {"schedule": {"type": "Manual"}, "parameters": {"dry_run": "true"}},
        {"schedule": {"type": "Manual"}, "parameters": {"rocket_science": 1}},
    ],
)
def test_what_cannot_be_understood_changes_nothing(admin: Portal, base: str, body: object) -> None:
    before = admin.get(f"{base}/schedule").json
    for method in ("POST", "PUT"):
        refused = admin.request(method, f"{base}/schedule", body)
        assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST"), method
    assert admin.get(f"{base}/schedule").json == before
    assert admin.get(base).json == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"workers": 0},
        {"workers": 11},
        {"workers": "2"},
        {"workers": 1.5},
        {"delete_untagged": "yes"},
        {"delete_untagged": 1},
    ],
)
def test_a_collection_with_odd_parameters_is_refused(admin: Portal, parameters: object) -> None:
    for pattern in ("Manual", "Daily"):
        body = {"schedule": {"type": pattern}, "parameters": parameters}
        assert admin.post(f"{GC}/schedule", body).status_code == 400
    assert admin.get(GC).json == []


def test_what_terraform_sends_is_understood(admin: Portal, services: Services) -> None:
    echoed = {"creation_time": "0001-01-01T00:00:00Z", "update_time": "0001-01-01T00:00:00Z"}
    daily = {"type": "Daily", "cron": "0 0 0 * * *"}
    body = {"schedule": daily, "parameters": {"delete_untagged": True, "workers": 10}, **echoed}
    assert admin.put(f"{GC}/schedule", body).status_code == 200
    purge = {"audit_retention_hour": 720, "include_operations": "create,pull", "include_event_types": "other"}
    assert (
        admin.put(f"{PURGE}/schedule", {"schedule": daily, "parameters": purge, **echoed}).status_code == 200
    )
    off = {"schedule": {"type": "None"}, "parameters": {}, **echoed}
    assert admin.put(f"{GC}/schedule", off).status_code == 200


def test_a_schedule_that_is_due_starts_a_run_with_its_parameters(admin: Portal, services: Services) -> None:
    always = {"schedule": {"type": "Custom", "cron": "* * * * * *"}, "parameters": {"dry_run": True}}
    assert admin.put(f"{GC}/schedule", always).status_code == 200
    tomorrow = Schedules(JobStore(), services.events, lambda: utcnow() + timedelta(days=1))
    assert tomorrow.plan_due(services.executions) == 1
    (found,) = admin.get(GC).json
    assert (found["job_kind"], found["schedule"]["type"]) == ("SCHEDULE", "Schedule")
    assert json.loads(found["job_parameters"])["dry_run"] is True


def test_a_purge_is_told_in_harbors_words(admin: Portal, services: Services) -> None:
    asked = {
        "audit_retention_hour": 168,
        "include_event_types": "create_artifact, delete_artifact,login_user,logout_user,other",
        "dry_run": True,
    }
    run_id = start(admin, PURGE, **asked)
    assert json.loads(admin.get(f"{PURGE}/{run_id}").json["job_parameters"]) == asked
    parameters = services.executions.get(run_id).parameters
    assert parameters["keep_hours"] == 168
    assert parameters["operations"] == sorted(
        {
            *("push_artifact", "push_blob", "mount_blob", "delete_artifact", "delete_blob"),
            *("login_user", "logout_user", "other"),
        }
    )


def test_a_verb_alone_stands_for_everything_done_by_it(admin: Portal, services: Services) -> None:
    run_id = start(admin, PURGE, include_operations="pull,delete")
    found = services.executions.get(run_id).parameters["operations"]
    assert isinstance(found, list)
    assert {"pull_artifact", "pull_blob", "delete_user", "delete_project"} <= set(found)
    assert {each.partition("_")[0] for each in found} == {"pull", "delete"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"audit_retention_hour": 0},
        {"audit_retention_hour": -1},
        {"audit_retention_hour": 240_001},
        {"audit_retention_hour": "24"},
        {"audit_retention_hour": "1) OR 1=1 --"},
        {"audit_retention_hour": 1.5},
        {"audit_retention_hour": True},
        {"include_event_types": "create_rocket"},
        {"include_event_types": "create_artifact,"},
        {"include_event_types": "'; DROP TABLE audit_entry;--"},
        {"include_event_types": ["create_artifact"]},
        {"include_operations": "_"},
    ],
)
def test_a_purge_with_odd_parameters_is_refused(admin: Portal, parameters: object) -> None:
    for pattern in ("Manual", "Daily"):
        body = {"schedule": {"type": pattern}, "parameters": parameters}
        assert admin.post(f"{PURGE}/schedule", body).status_code == 400
    assert admin.get(PURGE).json == []


def test_a_purge_that_was_asked_for_removes_what_is_old(
    admin: Portal, services: Services, people: People
) -> None:
    people.project("dock")
    (kept,) = AuditStore().page(Query(operations=("create_project",)), 1, None).entries
    with atomic():
        AuditStore().append(
            [
                replace(kept, at=kept.at - timedelta(hours=hours), operation=operation)
                for hours, operation in ((3, "pull_artifact"), (3, "delete_user"), (1, "pull_artifact"))
            ]
        )
    start(admin, PURGE, audit_retention_hour=2, include_event_types="pull_artifact")
    assert services.runner.run_next(["purge"]) is not None
    (found,) = admin.get(PURGE).json
    assert (found["job_status"], found["moorage"]["result"]["removed"]) == ("Success", 1)
    (name,) = found["moorage"]["result"]["archives"]
    assert [each.operation for each in services.archive.read(name)] == ["pull_artifact"]
    assert logged(admin, services)[:2] == ["delete_user", "pull_artifact"]
    assert name in admin.get(f"{PURGE}/{found['id']}/log").text


def test_every_schedule_is_listed(admin: Portal) -> None:
    admin.put(f"{PURGE}/schedule", {"schedule": {"type": "Weekly"}})
    answer = admin.get("/schedules", page_size=100)
    found = {each["vendor_type"]: each for each in answer.json}
    assert answer.headers["x-total-count"] == str(len(answer.json))
    assert found["PURGE_AUDIT_LOG"]["cron"] == "0 0 0 * * 0"
    assert found["PURGE_AUDIT_LOG"]["vendor_id"] == -1
    assert found["GARBAGE_COLLECTION"]["cron"]
    pages = [admin.get("/schedules", page_size=1, page=number).json for number in (1, 2)]
    assert [page[0]["vendor_type"] for page in pages] == [each["vendor_type"] for each in answer.json][:2]


def test_schedules_are_never_paused(alice: Portal, nobody: Portal) -> None:
    assert alice.get("/schedules/all/paused").json == {"paused": False}
    assert alice.get("/schedules/gc/paused").status_code == 400
    assert nobody.get("/schedules/all/paused").status_code == 401


@both
def test_only_administrators_may(alice: Portal, nobody: Portal, admin: Portal, base: str) -> None:
    run_id = start(admin, base)
    calls = [
        ("GET", base, None),
        ("GET", f"{base}/{run_id}", None),
        ("PUT", f"{base}/{run_id}", None),
        ("GET", f"{base}/{run_id}/log", None),
        ("GET", f"{base}/schedule", None),
        ("POST", f"{base}/schedule", DAILY),
        ("PUT", f"{base}/schedule", DAILY),
        ("GET", "/schedules", None),
    ]
    before = admin.get(f"{base}/schedule").json
    for method, path, body in calls:
        refused = alice.request(method, path, body)
        assert (refused.status_code, code_of(refused)) == (403, "DENIED"), path
        assert nobody.request(method, path, body).status_code == 401, path
    assert admin.get(f"{base}/{run_id}").json["job_status"] == "Pending"
    assert admin.get(f"{base}/schedule").json == before


def test_a_refusal_says_what_would_be_taken(admin: Portal) -> None:
    told = message_of(admin.post(f"{GC}/schedule", {"schedule": {"type": "Sometimes"}}))
    assert "Hourly" in told
    told = message_of(admin.post(f"{GC}/schedule", {"schedule": {"type": "Custom", "cron": "0 0 25 * * *"}}))
    assert "hour" in told


def test_it_is_told_when_space_comes_free(admin: Portal, alice: Portal, push: Pusher, dock: Project) -> None:
    nothing = admin.get(f"{GC}/forecast").json
    assert (nothing["waiting_bytes"], nothing["waiting_from"], nothing["trash_until"]) == (0, None, None)
    pushed = push("dock/app", image(), "1")
    admin.delete(f"{repository_path('dock/app')}/artifacts/1")
    found = admin.get(f"{GC}/forecast").json
    assert found["waiting_bytes"] >= sum(len(each.data) for each in pushed.blobs)
    assert NEVER < found["waiting_from"] <= found["waiting_until"]
    assert alice.get(f"{GC}/forecast").status_code == 403
