"""`python -m deploy`: deploys a release to an environment, tries it, and takes an environment down.

    deploy ENVIRONMENT [--release HASH] [--account ID] [--yes]
    destroy ENVIRONMENT [--yes]
    smoke ENVIRONMENT --history FILE --raw FILE

Credentials come from boto3's configuration (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, ...), the region from the environment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from complaints.settings import SettingsError
from deploy.deployment import Account, deploy_release, destroy, uploaded_package
from deploy.environments import Environment, load_environment
from deploy.errors import DeployError
from deploy.package import ROOT, package
from deploy.preflight import preflight
from deploy.smoke import smoke
from deploy.stacks import Change

_SERVICES = ("cloudformation", "ecr", "events", "iam", "lambda", "s3", "service-quotas", "stepfunctions", "sts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if it is done, and 1 with the reason on standard error if not."""
    options = _options(arguments)
    try:
        environment = load_environment(options.environment)
        account = account_of(environment)
        if options.verb == "destroy":
            return _destroy(environment, account, options)
        if options.verb == "smoke":
            smoke(environment, account, options.history, options.raw)
            return 0
        return _deploy(environment, account, options)
    except (DeployError, SettingsError) as error:
        print(f"{options.verb}: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"{options.verb}: AWS refused: {error}; what was done stays: run it again", file=sys.stderr)
    return 1


def account_of(environment: Environment) -> Account:
    """The account of the credentials, in the region of the environment."""
    region, session = environment.settings().aws.region, boto3.Session()
    clients: dict[str, Any] = {name: session.client(name, region_name=region) for name in _SERVICES}
    return Account(clients["sts"].get_caller_identity()["Account"], region, clients)


def _deploy(environment: Environment, account: Account, options: argparse.Namespace) -> int:
    print(f"environment {environment.name}: account {account.id}, {account.region}")
    findings = preflight(environment, account, options.account)
    for finding in findings:
        print(finding)
    if any(each.kind == "problem" for each in findings):
        print("nothing was deployed", file=sys.stderr)
        return 1
    if options.release:
        release = uploaded_package(environment, options.release, account)
    else:
        release = package(environment)
        print(f"release {release.release} is in {release.write(ROOT / 'build' / 'package')}")
    done = deploy_release(environment, release, account, confirm=_printed if options.yes else _agreed)
    print(f"release {done.release} is current in {environment.name} (before: {done.before or 'none'})")
    print(f"bucket: {done.bucket}")
    for name, arn in done.machines.items():
        print(f"{name}: {arn}")
    if done.airflow:
        print(f"Airflow: https://{done.airflow}")
    return 0


def _destroy(environment: Environment, account: Account, options: argparse.Namespace) -> int:
    bucket, prices = account.bucket_name(environment), environment.settings().prices
    print(f"environment {environment.name}: account {account.id}, {account.region}")
    print(
        f"All stacks {environment.prefix}-* are deleted. Kept: the bucket {bucket} with all data, models and releases, "
        f"at {prices.s3_gb_month:g} USD a GB and month, and the KMS key if there is one, at {prices.kms_key_month:g} "
        "USD a month. A later deployment takes them over."
    )
    if not (options.yes or _yes("Delete the stacks?")):
        print("nothing was deleted", file=sys.stderr)
        return 1
    for each in destroy(environment, account):
        print(f"kept: {each}")
    print(f"To remove the data, too, empty the bucket {bucket} and delete it.")
    return 0


def _printed(stack: str, changes: Sequence[Change]) -> bool:
    print(f"{stack}:", *changes, sep="\n  ")
    return True


def _agreed(stack: str, changes: Sequence[Change]) -> bool:
    return _printed(stack, changes) and _yes(f"Change {stack}?")


def _yes(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy", description="Deploys and removes environments.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    deploying = verbs.add_parser("deploy")
    deploying.add_argument("--release", default="", help="go back to a release that was deployed before")
    deploying.add_argument("--account", default="", help="refuse credentials of any other account")
    destroying = verbs.add_parser("destroy")
    smoking = verbs.add_parser("smoke")
    for name in ("history", "raw"):
        smoking.add_argument(f"--{name}", type=Path, required=True, help=f"a file of {name} complaints")
    for verb in (deploying, destroying, smoking):
        verb.add_argument("environment")
    for verb in (deploying, destroying):
        verb.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
