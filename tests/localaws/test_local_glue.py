import textwrap
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.localaws.account import Account, runs, wait
from tests.waiting import PATIENCE

OUTPUT, ERROR = "/aws-glue/jobs/output", "/aws-glue/jobs/error"
SLEEP = "import time; time.sleep(60)"


def test_a_run_succeeds_and_its_record_says_what_was_asked(account: Account) -> None:
    job = account.glue_job("print('done')", GlueVersion="5.1", Timeout=30)
    run = account.glue_run(job, {"--day": "2026-11-23"})
    assert run["JobRunState"] == "SUCCEEDED"
    assert run["Arguments"] == {"--day": "2026-11-23"}
    assert run["GlueVersion"] == "5.1"
    assert run["Timeout"] == 30
    assert run["LogGroupName"] == "/aws-glue/jobs"
    assert run["StartedOn"] <= run["CompletedOn"]
    assert "ErrorMessage" not in run


def test_a_script_gets_the_default_arguments_and_the_runs_own_which_win(account: Account) -> None:
    job = account.glue_job(
        "import sys; print(*sys.argv[1:])", DefaultArguments={"--TempDir": "s3://none-such/tmp", "--a": "1"}
    )
    account.s3.create_bucket(Bucket="none-such")
    run = account.glue_run(job, {"--a": "2", "--enable-metrics": "true"})
    (line,) = account.log(OUTPUT, run["Id"])
    assert line == (
        f"--JOB_NAME {job} --JOB_RUN_ID {run['Id']} --TempDir s3://none-such/tmp --a 2 --enable-metrics true"
    )


def test_an_argument_of_the_run_names_another_script_than_the_definition(account: Account) -> None:
    job = account.glue_job("print('of the definition')")
    account.put("releases/2/job.py", "import helper; print(helper.NAME)")
    account.put("releases/2/helper.py", "NAME = 'of the run'")
    arguments = {"--scriptLocation": account.uri("releases/2/job.py")}
    arguments["--extra-py-files"] = account.uri("releases/2/helper.py")
    run = account.glue_run(job, arguments)
    assert run["JobRunState"] == "SUCCEEDED"
    assert account.log(OUTPUT, run["Id"]) == ["of the run"]


def test_every_line_of_the_log_arrives_however_long_or_foreign(account: Account) -> None:
    job = account.glue_job(
        """
        import sys
        for number in range(20_000):
            print(number)
        print("ä\\u2028ö" * 40_000)
        print("on stderr", file=sys.stderr)
        """
    )
    run = account.glue_run(job)
    logs, events = account.aws.client("logs"), []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(logGroupName=OUTPUT, logStreamName=run["Id"], startFromHead=True, **token)
        if not page["events"]:
            break
        events += [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}
    assert events[:20_000] == [str(number) for number in range(20_000)]
    assert "".join(events[20_000:]) == "ä\u2028ö" * 40_000
    assert account.log(ERROR, run["Id"]) == ["on stderr"]


def test_what_is_printed_during_a_traceback_is_not_taken_for_the_error(account: Account) -> None:
    job = account.glue_job(
        """
        import sys, time
        for stream, text in (
            (sys.stderr, 'Traceback (most recent call last):\\n  File "a.py", line 1\\n'),
            (sys.stdout, "0 train, 0 test\\n"),
            (sys.stderr, "ValueError: too few labelled complaints\\n"),
            (sys.stdout, "bye\\n"),
        ):
            stream.write(text)
            stream.flush()
            time.sleep(0.3)
        sys.exit(1)
        """
    )
    run = account.glue_run(job)
    assert run["ErrorMessage"] == "ValueError: too few labelled complaints"
    # Once: the job wrote it itself.
    assert account.log(ERROR, run["Id"])[2:] == ["ValueError: too few labelled complaints"]


def test_the_log_can_be_read_while_the_script_runs(account: Account) -> None:
    job = account.glue_job("import time; print('first'); time.sleep(60)")
    run_id = account.glue.start_job_run(JobName=job)["JobRunId"]
    deadline = time.monotonic() + PATIENCE
    while account.log(OUTPUT, run_id) != ["first"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert account.glue_state(job, run_id)["JobRunState"] == "RUNNING"
    account.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
    account.glue_end(job, run_id)


def test_a_failed_run_says_why_in_the_words_of_the_last_exception(account: Account) -> None:
    job = account.glue_job(
        """
        try:
            1 / 0
        except ZeroDivisionError:
            raise ValueError("42 rows have no date")
        """
    )
    run = account.glue_run(job)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "ValueError: 42 rows have no date"


def test_a_run_without_its_script_fails_and_names_the_object(account: Account) -> None:
    job = account.glue_job("")
    account.s3.delete_object(Bucket=account.name, Key="code/job.py")
    run = account.glue_run(job)
    assert run["JobRunState"] == "FAILED"
    assert account.uri("code/job.py") in run["ErrorMessage"]
    assert account.log(ERROR, run["Id"]) == [run["ErrorMessage"]]


def test_a_stopped_run_leaves_no_process_not_even_one_that_left_its_group(account: Account, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job = account.glue_job(
        """
        import os, subprocess, sys, time
        child = subprocess.Popen(["sleep", "600"], process_group=0)
        with open(sys.argv[-1], "w") as file:
            file.write(f"{os.getpid()} {child.pid}\\n")
        time.sleep(600)
        """
    )
    run_id = account.glue.start_job_run(JobName=job, Arguments={"--pids": str(pids)})["JobRunId"]
    wait(lambda: {"there": pids.exists() and pids.read_text().endswith("\n")}, "there", {False})  # type: ignore[arg-type]
    answer = account.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
    assert [item["JobRunId"] for item in answer["SuccessfulSubmissions"]] == [run_id]
    assert account.glue_end(job, run_id)["JobRunState"] == "STOPPED"
    assert [pid for pid in pids.read_text().split() if runs(int(pid))] == []


def test_what_cannot_be_stopped_is_listed_with_the_reason(account: Account) -> None:
    job = account.glue_job("")
    ended = account.glue_run(job)["Id"]
    answer = account.glue.batch_stop_job_run(JobName=job, JobRunIds=[ended, "jr_unknown"])
    codes = [(error["JobRunId"], error["ErrorDetail"]["ErrorCode"]) for error in answer["Errors"]]
    assert codes == [(ended, "InvalidInputException"), ("jr_unknown", "EntityNotFoundException")]


def test_a_run_that_exceeds_its_timeout_ends_as_timeout(account: Account) -> None:
    job = account.glue_job(SLEEP, Timeout=1)
    assert account.glue_run(job)["JobRunState"] == "TIMEOUT"


def test_more_runs_than_the_job_allows_are_refused(account: Account) -> None:
    job = account.glue_job(SLEEP, ExecutionProperty={"MaxConcurrentRuns": 2})
    first, second = (account.glue.start_job_run(JobName=job)["JobRunId"] for _ in range(2))
    with pytest.raises(account.glue.exceptions.ConcurrentRunsExceededException):
        account.glue.start_job_run(JobName=job)
    account.glue.batch_stop_job_run(JobName=job, JobRunIds=[first, second])
    account.glue_end(job, first)
    third = account.glue.start_job_run(JobName=job)["JobRunId"]
    account.glue.batch_stop_job_run(JobName=job, JobRunIds=[third])


def test_unknown_jobs_and_runs_are_entity_not_found(account: Account) -> None:
    with pytest.raises(account.glue.exceptions.EntityNotFoundException):
        account.glue.start_job_run(JobName="none")
    with pytest.raises(account.glue.exceptions.EntityNotFoundException):
        account.glue.get_job_runs(JobName="none")
    job = account.glue_job("")
    with pytest.raises(account.glue.exceptions.EntityNotFoundException):
        account.glue.get_job_run(JobName=job, RunId="jr_none")


def test_runs_are_listed_newest_first_in_pages(account: Account) -> None:
    job = account.glue_job("")
    ids = [account.glue_run(job)["Id"] for _ in range(3)]
    pages = account.glue.get_paginator("get_job_runs").paginate(JobName=job, PaginationConfig={"PageSize": 2})
    listed = [[run["Id"] for run in page["JobRuns"]] for page in pages]
    assert listed == [ids[:0:-1], ids[:1]]


def test_update_job_overwrites_the_definition_whole(account: Account) -> None:
    job = account.glue_job("", Description="old", DefaultArguments={"--a": "1"})
    uri = account.put("code/new.py", "print('new')")
    update = {"Role": "r", "Command": {"Name": "glueetl", "ScriptLocation": uri}, "GlueVersion": "5.1"}
    account.glue.update_job(JobName=job, JobUpdate=update)
    definition = account.glue.get_job(JobName=job)["Job"]
    assert definition["Command"]["ScriptLocation"] == uri
    assert definition["GlueVersion"] == "5.1"
    assert not definition.get("DefaultArguments")
    assert "Description" not in definition
    assert account.log(OUTPUT, account.glue_run(job)["Id"]) == ["new"]


def test_libraries_named_by_extra_py_files_can_be_imported(account: Account) -> None:
    uri = account.put("code/answers.py", "ANSWER = 42")
    job = account.glue_job("import answers; print(answers.ANSWER)")
    run = account.glue_run(job, {"--extra-py-files": uri})
    assert account.log(OUTPUT, run["Id"]) == ["42"]


def test_a_job_knows_its_endpoint_and_nothing_of_who_started_the_server(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    job = account.glue_job(
        """
        import os, boto3
        print(sorted(set(os.environ) & {"AWS_PROFILE", "PYTHONPATH"}))
        print([bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]].count(BUCKET))
        """.replace("BUCKET", repr(account.name))
    )
    assert account.log(OUTPUT, account.glue_run(job)["Id"]) == ["[]", "1"]


def test_a_value_outside_of_an_enumeration_is_invalid_input(account: Account) -> None:
    job = account.glue_job("")
    with pytest.raises(ClientError, match="'CHEAP' at 'executionClass'") as refused:
        account.glue.start_job_run(JobName=job, ExecutionClass="CHEAP")
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"


def staged(account: Account, script: str) -> str:
    """A script that finds the staged folder of its bucket, which Spark would write to, as `bucket`."""
    jobs = account.aws.credentials_file.parent / "jobs" / "glue"
    head = f"""
        import sys
        from pathlib import Path
        run = sys.argv[sys.argv.index("--JOB_RUN_ID") + 1]
        bucket = Path({str(jobs)!r}) / run / "work" / "s3" / {account.name!r}
    """
    return textwrap.dedent(head) + textwrap.dedent(script)


def test_what_a_script_writes_where_no_argument_points_fails_the_run_and_says_so(account: Account) -> None:
    # A plain script stands in for Spark: the staged folders are what Spark would write to.
    job = account.glue_job(
        staged(
            account,
            """
        (bucket / "elsewhere").mkdir()
        (bucket / "elsewhere" / "a").write_text("1")
        (bucket / "out").mkdir()
        (bucket / "out" / "a").write_text("1")
        """,
        )
    )
    run = account.glue_run(job, {"--output": account.uri("out/")})
    assert run["JobRunState"] == "FAILED"
    assert account.uri("elsewhere/a") in run["ErrorMessage"]
    assert account.keys("out/") == ["out/", "out/a"]
    assert account.keys("elsewhere/") == []


def test_a_directory_that_a_script_creates_gets_a_marker_as_of_s3a(account: Account) -> None:
    for key in ("data/kept/a", "data/emptied/a", "data/marked/", "data/removed/", "data/removed/a", "other/a"):
        account.put(key, "")
    job = account.glue_job(
        staged(
            account,
            """
        import shutil
        data = bucket / "data"
        assert (data / "marked").is_dir()
        (data / "kept" / "b").write_text("b")
        (data / "emptied" / "a").unlink()
        (data / "marked" / "a").write_text("a")
        shutil.rmtree(data / "removed")
        (data / "created" / "below").mkdir(parents=True)
        (data / "created" / "below" / "a").write_text("a")
        (data / "_temporary" / "0").mkdir(parents=True)
        """,
        )
    )
    assert account.glue_run(job, {"--data": account.uri("data")})["JobRunState"] == "SUCCEEDED"
    assert account.keys("data/") == [
        "data/created/",
        "data/created/below/",
        "data/created/below/a",
        "data/kept/a",
        "data/kept/b",
        "data/marked/",
        "data/marked/a",
    ]
    marker = account.s3.head_object(Bucket=account.name, Key="data/created/")
    assert (marker["ContentLength"], marker["ContentType"]) == (0, "application/x-directory")


def test_what_a_script_puts_by_boto3_makes_no_marker(account: Account) -> None:
    job = account.glue_job(
        """
        import boto3
        boto3.client("s3").put_object(Bucket="BUCKET", Key="data/by/boto3", Body=b"x")
        """.replace("BUCKET", account.name)
    )
    assert account.glue_run(job, {"--data": account.uri("data")})["JobRunState"] == "SUCCEEDED"
    assert account.keys("data/") == ["data/by/boto3"]


def test_unchanged_objects_are_not_written_again(account: Account) -> None:
    account.put("data/kept", "1")
    account.put("data/changed", "1")
    account.put("data/deleted", "1")
    before = account.s3.head_object(Bucket=account.name, Key="data/kept")["LastModified"]
    job = account.glue_job(
        staged(
            account,
            """
        data = bucket / "data"
        (data / "changed").write_text("2")
        (data / "deleted").unlink()
        (data / "_temporary").mkdir()
        (data / "_temporary" / "x").write_text("x")
        (data / ".changed.crc").write_text("x")
        """,
        )
    )
    time.sleep(1)
    assert account.glue_run(job, {"--data": account.uri("data")})["JobRunState"] == "SUCCEEDED"
    assert account.keys("data") == ["data/changed", "data/kept"]
    assert account.get("data/changed") == b"2"
    assert account.s3.head_object(Bucket=account.name, Key="data/kept")["LastModified"] == before


def test_an_argument_that_is_no_place_fails_the_run_and_not_the_server(account: Account) -> None:
    run = account.glue_run(account.glue_job(""), {"--input": "s3://"})
    assert run["JobRunState"] == "FAILED"
    assert "not an S3 URI: 's3://'" in run["ErrorMessage"]
