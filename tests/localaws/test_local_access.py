"""Local AWS refuses web pages, other names and other users: tried through HTTP, as they would."""

import http.client
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from localaws import LocalAWS
from localaws.server.credentials import read_credentials
from tests.campaign.faults import Fault, injects
from tests.localaws.account import Account
from tests.localaws.test_local_persistence import Running, running, start

NAMES = ("localaws:4566", "localaws", "other:80", "other:81", "otherlocalaws")
FILES = ("credentials", "localaws.log", "cloudtrail.jsonl")


class Answer:
    """An HTTP answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, dict(response.getheaders()), response.read().decode()


def send(
    aws: LocalAWS | Running, method: str, path: str, headers: Mapping[str, str] | None = None, body: str = ""
) -> Answer:
    """A request as any program on this machine can send it."""
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint).netloc)
    try:
        connection.request(method, path, body.encode(), dict(headers or {}))
        return Answer(connection.getresponse())
    finally:
        connection.close()


def signed(aws: LocalAWS, method: str, path: str, service: str = "s3", **more: str) -> dict[str, str]:
    """The headers of a request that is signed with the right credentials."""
    request = AWSRequest(method, f"{aws.endpoint}{path}", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD", **more})
    credentials = aws.credentials
    keys = Credentials(credentials.access_key_id, credentials.secret_access_key)
    SigV4Auth(keys, service, "us-east-1").add_auth(request)
    return dict(request.headers)


def client(aws: LocalAWS, service: str, access_key_id: str, secret_access_key: str) -> Any:
    session = boto3.session.Session(access_key_id, secret_access_key, region_name="us-east-1")
    config = Config(proxies={}, retries={"total_max_attempts": 1}, signature_version="v4")
    if service == "s3":
        config = config.merge(Config(signature_version="s3v4"))
    return session.client(service, endpoint_url=aws.endpoint, config=config)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_request_of_a_web_page_is_refused_even_if_it_is_signed(
    aws: LocalAWS, account: Account, headers: dict[str, str]
) -> None:
    path = f"/{account.name}/job.py"
    answer = send(aws, "PUT", path, {**signed(aws, "PUT", path), **headers}, "print('theirs')")
    assert answer.status == 403
    assert "Local AWS does not answer web pages." in answer.body
    assert account.keys() == []


def test_a_form_of_a_web_page_is_refused_in_a_plain_sentence(aws: LocalAWS, account: Account) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=b", "Origin": "https://evil.example"}
    body = '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\njob.py\r\n'
    body += '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nprint()\r\n--b--\r\n'
    answer = send(aws, "POST", f"/{account.name}", form, body)
    assert (answer.status, answer.body) == (403, "Local AWS does not answer web pages.\n")
    # Older browsers send neither Origin nor Sec-Fetch-Site with a form.
    del form["Origin"]
    assert send(aws, "POST", f"/{account.name}", form, body).status == 403
    assert account.keys() == []


def test_a_preflight_is_refused_and_no_answer_has_cors_headers(aws: LocalAWS, account: Account) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target"}
    answers = [
        send(aws, "OPTIONS", "/", {"Origin": "https://evil.example", **asked}),
        send(aws, "OPTIONS", "/", asked),
        send(aws, "OPTIONS", f"/{account.name}", {**signed(aws, "OPTIONS", f"/{account.name}"), **asked}),
        send(aws, "GET", f"/{account.name}"),
        send(aws, "GET", f"/{account.name}", signed(aws, "GET", f"/{account.name}")),
    ]
    assert [answer.status for answer in answers] == [403, 403, 403, 403, 200]
    names = {name.lower() for answer in answers for name in answer.headers}
    assert not [name for name in names if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "localhost", "a, 127.0.0.1", ""]
)
def test_another_host_is_refused(aws: LocalAWS, host: str) -> None:
    port = urlsplit(aws.endpoint).port
    answer = send(aws, "GET", "/", {"Host": host.format(port=port)})
    assert answer.status == 403
    assert f"only as 127.0.0.1:{port}, [::1]:{port}, localhost:{port}" in answer.body


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_each_name_of_loopback_is_answered(aws: LocalAWS, host: str) -> None:
    name = host.format(port=urlsplit(aws.endpoint).port)
    assert send(aws, "GET", "/", {**signed(aws, "GET", "/", Host=name), "Host": name}).status == 200


def test_a_server_may_be_given_more_names(tmp_path: Path) -> None:
    options = ("--allow-host", "localaws", "--allow-host", "other:80")
    with running(tmp_path, *options) as server:
        asked = {name: send(server, "GET", "/_localaws/health", {"Host": name}).status for name in NAMES}
        assert asked == {"localaws:4566": 200, "localaws": 200, "other:80": 200, "other:81": 403, "otherlocalaws": 403}


@pytest.mark.parametrize(
    "path", ["/moto-api/reset", "/moto-api/data.json", "//moto-api/reset", "/MOTO-API/", "/moto%2Dapi/reset"]
)
def test_motos_own_interface_is_closed(aws: LocalAWS, account: Account, path: str) -> None:
    account.put("kept", b"kept")
    for method in ("GET", "POST"):
        assert send(aws, method, path).status == 403
        assert send(aws, method, path, signed(aws, method, path)).status == 403
    assert account.get("kept") == b"kept"


def test_a_health_check_needs_no_credentials(aws: LocalAWS) -> None:
    assert send(aws, "GET", "/_localaws/health").status == 200
    assert send(aws, "GET", "/_localaws/health", {"Origin": "https://evil.example"}).status == 403
    assert send(aws, "PUT", "/_localaws/health").status == 403


def test_a_request_without_credentials_is_refused(aws: LocalAWS, account: Account) -> None:
    account.put("secret", b"secret")
    target = {"X-Amz-Target": "AWSGlue.StartJobRun", "Content-Type": "application/x-amz-json-1.1"}
    answer = send(aws, "GET", f"/{account.name}/secret")
    assert (answer.status, "signed with its own credentials" in answer.body) == (403, True)
    answer = send(aws, "POST", "/", target, '{"JobName": "job"}')
    assert (answer.status, json.loads(answer.body)["__type"]) == (403, "MissingAuthenticationTokenException")
    for scheme in ("Basic bG9jYWw6bG9jYWw=", "AWS local:signature", "AWS4-HMAC-SHA256 Credential=x"):
        assert send(aws, "GET", f"/{account.name}/secret", {"Authorization": scheme}).status == 403


CALLS = {
    "s3": ("list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    "sts": ("get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    "glue": ("list_jobs", "UnrecognizedClientException", "InvalidSignatureException"),
    "stepfunctions": ("list_state_machines", "UnrecognizedClientException", "InvalidSignatureException"),
    "lambda": ("list_functions", "UnrecognizedClientException", "InvalidSignatureException"),
}


@pytest.mark.parametrize("service", CALLS)
def test_other_credentials_are_refused_as_aws_refuses_them(aws: LocalAWS, service: str) -> None:
    operation, unknown_id, wrong_secret = CALLS[service]
    right = aws.credentials
    for keys, code in (
        (("local", "local"), unknown_id),
        ((right.access_key_id + "0", right.secret_access_key), unknown_id),
        ((right.access_key_id, "local"), wrong_secret),
    ):
        other = client(aws, service, *keys)
        with pytest.raises(ClientError) as caught:
            getattr(other, operation)()
        other.close()
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_signed_request_that_was_changed_is_refused(aws: LocalAWS, account: Account) -> None:
    account.put("mine", b"mine")
    headers = signed(aws, "GET", f"/{account.name}/mine?a=1&b=%20")
    assert send(aws, "GET", f"/{account.name}/mine?b=%20&a=1", headers).status == 200
    assert send(aws, "GET", f"/{account.name}/mine?a=2&b=%20", headers).status == 403
    assert send(aws, "DELETE", f"/{account.name}/mine?a=1&b=%20", headers).status == 403
    assert send(aws, "GET", f"/{account.name}/other?a=1&b=%20", headers).status == 403


def test_a_body_that_was_changed_is_refused(aws: LocalAWS) -> None:
    request = AWSRequest("POST", f"{aws.endpoint}/", data=b"{}", headers={"X-Amz-Target": "AWSGlue.ListJobs"})
    keys = Credentials(aws.credentials.access_key_id, aws.credentials.secret_access_key)
    SigV4Auth(keys, "glue", "us-east-1").add_auth(request)
    assert send(aws, "POST", "/", dict(request.headers), "{}").status == 200
    assert send(aws, "POST", "/", dict(request.headers), '{"MaxResults": 1}').status == 403


def test_a_presigned_address_is_as_good_as_its_signature(aws: LocalAWS, account: Account) -> None:
    account.put("a b/ä+&=.csv", b"content")
    right = aws.credentials
    for keys, status in (
        ((right.access_key_id, right.secret_access_key), 200),
        ((right.access_key_id, "local"), 403),
        (("local", "local"), 403),
    ):
        s3 = client(aws, "s3", *keys)
        url = s3.generate_presigned_url("get_object", {"Bucket": account.name, "Key": "a b/ä+&=.csv"})
        s3.close()
        assert "X-Amz-Credential=" in url
        path = url.removeprefix(aws.endpoint)
        assert send(aws, "GET", path).status == status
        assert send(aws, "GET", f"{path}&{urlencode({'versionId': 'x'})}").status == 403


@pytest.mark.parametrize("in_query", [True, False])
def test_signature_version_2_is_refused_with_the_version_to_use(
    aws: LocalAWS, account: Account, in_query: bool
) -> None:
    """The default of boto3's `generate_presigned_url` in us-east-1."""
    account.put("a.csv", b"content")
    path = f"/{account.name}/a.csv"
    old = {"AWSAccessKeyId": aws.credentials.access_key_id, "Signature": "x", "Expires": "1"}
    signed = {"Authorization": f"AWS {aws.credentials.access_key_id}:x"}
    answer = send(aws, "GET", f"{path}?{urlencode(old)}") if in_query else send(aws, "GET", path, signed)
    assert answer.status == 403
    assert "<Code>InvalidRequest</Code>" in answer.body
    assert "Please use AWS4-HMAC-SHA256 (Signature Version 4), in boto3: Config(signature_version=" in answer.body


@pytest.mark.parametrize(
    "key", ["a b+c%2F=&?#.csv", "ü/\U0001f600", "a//b/../c/./d", "(1) 'x' *!~", "tab\there", "é\u0301"]
)
def test_every_key_can_be_signed(account: Account, key: str) -> None:
    account.s3.put_object(Bucket=account.name, Key=key, Body=b"x", Metadata={"a_b": "c  d"}, Tagging="a=b&c=%20")
    assert account.get(key) == b"x"
    account.s3.copy_object(Bucket=account.name, Key=key + "2", CopySource={"Bucket": account.name, "Key": key})
    account.s3.delete_object(Bucket=account.name, Key=key)
    assert len(account.s3.list_objects_v2(Bucket=account.name, Prefix=key)["Contents"]) == 1


@injects(Fault.OTHER_USER)
def test_other_users_of_the_machine_can_read_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    state = tmp_path / "state"
    with running(state, "--keep") as server:
        server.s3.create_bucket(Bucket="bucket")
        server.s3.put_object(Bucket="bucket", Key="key", Body=b"content")
        open_to_others = [path for path in state.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
        assert open_to_others == []
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        assert {stat.S_IMODE((state / name).stat().st_mode) for name in FILES} == {0o600}
        log = (state / "localaws.log").read_text() + (state / "cloudtrail.jsonl").read_text()
        credentials = read_credentials(state / "credentials")
        assert credentials
        assert credentials.secret_access_key not in log


def test_a_state_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    state.chmod(0o755)
    (state / "cloudtrail.jsonl").write_text("{}\n")
    with running(state, "--minute", "60"):
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        assert stat.S_IMODE((state / "cloudtrail.jsonl").stat().st_mode) == 0o600


def test_credentials_are_new_at_each_start_unless_the_state_is_persistent(tmp_path: Path) -> None:
    def of(*options: str) -> Any:
        with running(tmp_path, *options) as server:
            return server.credentials

    first, second = of("--minute", "60"), of("--minute", "60")
    assert first != second
    kept = of("--keep")
    assert of("--keep") == kept


def test_credentials_can_be_given_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALAWS_ACCESS_KEY_ID", "local")
    with start(tmp_path) as process:
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "set both LOCALAWS_ACCESS_KEY_ID and LOCALAWS_SECRET_ACCESS_KEY, or neither" in error
    monkeypatch.setenv("LOCALAWS_SECRET_ACCESS_KEY", "documented")
    with running(tmp_path, "--keep") as server:
        assert server.credentials.session == {"aws_access_key_id": "local", "aws_secret_access_key": "documented"}
        assert server.s3.list_buckets()["Buckets"] == []


def test_any_client_can_use_the_file_of_credentials(aws: LocalAWS, account: Account) -> None:
    script = "import boto3; print([each['Name'] for each in boto3.client('s3').list_buckets()['Buckets']])"
    environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": aws.endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    environment["AWS_SHARED_CREDENTIALS_FILE"] = str(aws.credentials_file)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert account.name in done.stdout
