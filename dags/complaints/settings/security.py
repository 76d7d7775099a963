"""The section `security` of `pipeline_config.yaml`: what an account with guard rails requires of the SageMaker jobs."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

# Not an alias: policies of roles do not know a key by its alias.
KeyArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+$")]
Subnet = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")]
SecurityGroup = Annotated[str, Field(pattern=r"^sg-[0-9a-f]+$")]
# CreateTrainingJob: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html
TagName = Annotated[str, Field(pattern=r"^[A-Za-z0-9 .:/=+@_-]+$", max_length=128)]
TagValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9 .:/=+@_-]*$", max_length=256)]


class Security(BaseModel, extra="forbid", frozen=True):
    """The key, the network and the tags of SageMaker's jobs and models; requests leave out what is not set."""

    kms_key_arn: KeyArn | None
    subnets: tuple[Subnet, ...]
    security_groups: tuple[SecurityGroup, ...]
    isolate_processing: bool
    tags: dict[TagName, TagValue]

    @model_validator(mode="after")
    def _a_network_has_both(self) -> Self:
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError("subnets and security_groups: name both, or neither")
        return self

    def key(self, member: str) -> dict[str, str]:
        """The member of a request that names the key."""
        return {member: self.kms_key_arn} if self.kms_key_arn else {}

    @property
    def network(self) -> dict[str, Any]:
        """`VpcConfig`."""
        if not self.subnets:
            return {}
        return {"VpcConfig": {"Subnets": list(self.subnets), "SecurityGroupIds": list(self.security_groups)}}

    @property
    def processing_network(self) -> dict[str, Any]:
        """`NetworkConfig`, as only CreateProcessingJob has it."""
        isolated = {"EnableNetworkIsolation": True} if self.isolate_processing else {}
        return {"NetworkConfig": {**isolated, **self.network}} if isolated or self.network else {}

    @property
    def request_tags(self) -> dict[str, Any]:
        """`Tags`, in the order of their names."""
        return {"Tags": [{"Key": key, "Value": self.tags[key]} for key in sorted(self.tags)]} if self.tags else {}
