"""Creating the infrastructure of a deployment."""

from pathlib import Path

from complaints.settings import load_settings
from laptop.servers.stack import infrastructure
from localaws import LocalAWS
from tests.parity.house import LocalClients


def test_existing_infrastructure_is_kept_when_it_is_created_again(local_aws: type[LocalAWS], tmp_path: Path) -> None:
    settings = load_settings().pipeline
    with local_aws(tmp_path) as aws:
        clients = LocalClients(aws)
        infrastructure(clients, settings)  # type: ignore[arg-type]
        aws.client("s3").put_object(Bucket=settings.storage.bucket, Key="a", Body=b"a")
        roles = aws.client("iam").list_roles()["Roles"]
        infrastructure(clients, settings)  # type: ignore[arg-type]
        assert aws.client("s3").list_objects_v2(Bucket=settings.storage.bucket)["KeyCount"] == 1
        assert aws.client("iam").list_roles()["Roles"] == roles
