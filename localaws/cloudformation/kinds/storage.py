"""S3 buckets and their policies, and KMS keys."""

import json
from contextlib import suppress

from botocore.exceptions import ClientError

from localaws.cloudformation.resources import Kind, Made, ResourceError, names, picked, tags
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json

_BUCKET = (
    "VersioningConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "BucketEncryption",
    "NotificationConfiguration",
    "LifecycleConfiguration",
    "Tags",
)


def _find_bucket(cloud: Cloud, properties: Json) -> Made | None:
    s3, name = cloud.client("s3"), properties["BucketName"]
    if all(each["Name"] != name for each in s3.list_buckets()["Buckets"]):
        return None
    return _bucket(cloud, name)


def _bucket(cloud: Cloud, name: str) -> Made:
    return Made(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{cloud.region}.amazonaws.com",
        },
    )


def _create_bucket(cloud: Cloud, properties: Json) -> Made:
    name = properties["BucketName"]
    # us-east-1 accepts no constraint, every other region requires one.
    where: Json = {} if cloud.region == "us-east-1" else {"LocationConstraint": cloud.region}
    cloud.client("s3").create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
    return _update_bucket(cloud, _bucket(cloud, name), {}, properties)


def _update_bucket(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    s3, settings = cloud.client("s3"), _bucket_settings(now)
    for name, put in settings.items():
        if before.get(name) != now.get(name) and name in now:
            operation, request = put
            getattr(s3, operation)(Bucket=made.ref, **request)
    removals = {
        "LifecycleConfiguration": "delete_bucket_lifecycle",
        "BucketEncryption": "delete_bucket_encryption",
        "PublicAccessBlockConfiguration": "delete_public_access_block",
        "OwnershipControls": "delete_bucket_ownership_controls",
        "Tags": "delete_bucket_tagging",
    }
    for name, operation in removals.items():
        if name in before and name not in now:
            getattr(s3, operation)(Bucket=made.ref)
    return made


def _bucket_settings(properties: Json) -> dict[str, tuple[str, Json]]:
    """The operation and the request of each of the bucket's settings."""
    settings = {name: properties.get(name) or {} for name in _BUCKET}
    notifications = settings["NotificationConfiguration"]
    events = notifications.get("EventBridgeConfiguration", {"EventBridgeEnabled": False})
    encryption = [
        picked(each, "BucketKeyEnabled", ApplyServerSideEncryptionByDefault="ServerSideEncryptionByDefault")
        for each in settings["BucketEncryption"].get("ServerSideEncryptionConfiguration", [])
    ]
    versioning, ownership = settings["VersioningConfiguration"], settings["OwnershipControls"]
    access, rules = settings["PublicAccessBlockConfiguration"], settings["LifecycleConfiguration"].get("Rules", [])
    sent: Json = {"EventBridgeConfiguration": {}} if events.get("EventBridgeEnabled", True) else {}
    return {
        "VersioningConfiguration": ("put_bucket_versioning", {"VersioningConfiguration": versioning}),
        "OwnershipControls": ("put_bucket_ownership_controls", {"OwnershipControls": ownership}),
        "PublicAccessBlockConfiguration": ("put_public_access_block", {"PublicAccessBlockConfiguration": access}),
        "BucketEncryption": ("put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": encryption}}),
        "NotificationConfiguration": ("put_bucket_notification_configuration", {"NotificationConfiguration": sent}),
        "LifecycleConfiguration": (
            "put_bucket_lifecycle_configuration",
            {"LifecycleConfiguration": {"Rules": [_rule(each) for each in rules]}},
        ),
        "Tags": ("put_bucket_tagging", {"Tagging": {"TagSet": settings["Tags"]}}),
    }


def _rule(rule: Json) -> Json:
    """A lifecycle rule, which templates write in another way than the API."""
    made: Json = picked(rule, "Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload", ID="Id")
    made["Filter"] = {"Prefix": rule.get("Prefix", "")}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "ExpiredObjectDeleteMarker" in rule:
        made.setdefault("Expiration", {})["ExpiredObjectDeleteMarker"] = rule["ExpiredObjectDeleteMarker"]
    return made


def _delete_bucket(cloud: Cloud, made: Made, properties: Json) -> None:
    s3 = cloud.client("s3")
    try:
        s3.delete_bucket(Bucket=made.ref)
    except s3.exceptions.NoSuchBucket:
        return
    except ClientError as error:
        raise ResourceError(error.response["Error"]["Message"]) from None


def _put_policy(cloud: Cloud, properties: Json) -> Made:
    cloud.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    return Made(properties["Bucket"])


def _delete_policy(cloud: Cloud, made: Made, properties: Json) -> None:
    s3 = cloud.client("s3")
    with suppress(s3.exceptions.NoSuchBucket):
        s3.delete_bucket_policy(Bucket=made.ref)


def _create_key(cloud: Cloud, properties: Json) -> Made:
    kms = cloud.client("kms")
    request = picked(properties, "Description")
    key = kms.create_key(
        **request,
        Policy=json.dumps(properties["KeyPolicy"]),
        Tags=[{"TagKey": name, "TagValue": value} for name, value in tags(properties).items()],
    )["KeyMetadata"]
    made = Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})
    return _update_key(cloud, made, {}, properties)


def _update_key(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    kms = cloud.client("kms")
    if before:
        kms.put_key_policy(KeyId=made.ref, PolicyName="default", Policy=json.dumps(now["KeyPolicy"]))
    if now.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=made.ref)
    return made


def _delete_key(cloud: Cloud, made: Made, properties: Json) -> None:
    cloud.client("kms").schedule_key_deletion(KeyId=made.ref)


def _create_alias(cloud: Cloud, properties: Json) -> Made:
    cloud.client("kms").create_alias(AliasName=properties["AliasName"], TargetKeyId=properties["TargetKeyId"])
    return Made(properties["AliasName"])


def _delete_alias(cloud: Cloud, made: Made, properties: Json) -> None:
    kms = cloud.client("kms")
    with suppress(kms.exceptions.NotFoundException):
        kms.delete_alias(AliasName=made.ref)


KINDS = {
    "AWS::S3::Bucket": Kind(
        properties=names(f"BucketName {' '.join(_BUCKET)}"),
        create=_create_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        replaced_by=names("BucketName"),
        find=_find_bucket,
    ),
    "AWS::S3::BucketPolicy": Kind(
        properties=names("Bucket PolicyDocument"),
        create=_put_policy,
        update=lambda cloud, made, before, now: _put_policy(cloud, now),
        delete=_delete_policy,
        replaced_by=names("Bucket"),
    ),
    "AWS::KMS::Key": Kind(
        properties=names("Description KeyPolicy EnableKeyRotation Tags"),
        create=_create_key,
        update=_update_key,
        delete=_delete_key,
    ),
    "AWS::KMS::Alias": Kind(properties=names("AliasName TargetKeyId"), create=_create_alias, delete=_delete_alias),
}
