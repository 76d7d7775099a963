"""Errors of a deployment; each message says what to do.

DeployError
├── ConcurrentDeployError   another deployment moved the release pointer first
├── EnvironmentFileError    an environment's file is absent or wrong
├── LayerError              the Lambda layer cannot be built
├── PackageError            a release cannot be built
├── QuotaError              an account quota is too low
├── ReleaseError            a release is absent or incomplete
├── SmokeError              a smoke test failed
├── StackError              a CloudFormation stack was refused or rolled back
└── StaleFilesError         compiled files do not match the settings
"""

from __future__ import annotations


class DeployError(RuntimeError):
    """A deployment that cannot go on."""


class ConcurrentDeployError(DeployError):
    """Another deployment moved the release pointer while this one ran."""


class EnvironmentFileError(DeployError):
    """An environment's file that is absent, or not what it may be."""


class PackageError(DeployError):
    """A release that cannot be built, or whose files are not those of its manifest."""


class LayerError(DeployError):
    """The Lambda layer cannot be built: the lock lacks a package, or pip failed."""


class QuotaError(DeployError):
    """An account quota is too low for what is deployed."""


class ReleaseError(DeployError):
    """A release that is not in the bucket, or whose objects are not all there."""


class SmokeError(DeployError):
    """A smoke test that failed, or did not end in time."""


class StackError(DeployError):
    """A stack that was refused, rolled back, or not changed in time."""


class StaleFilesError(DeployError):
    """Compiled files that do not match the settings."""
