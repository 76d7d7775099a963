"""A multipart upload of an object, which a later job finds again with the parts that are done."""

from __future__ import annotations

from typing import Any

PART_BYTES = 16 << 20  # S3 takes 10,000 parts of an object


class Upload:
    """One multipart upload of the object at `key`: begun, or the one that is furthest of those that broke off.

    `offset` is the number of bytes in the parts that are done.
    """

    def __init__(self, s3: Any, bucket: str, key: str, part_bytes: int = PART_BYTES) -> None:
        self._s3 = s3
        self._place = {"Bucket": bucket, "Key": key}
        self.part_bytes = part_bytes
        self._id, self._parts, self.offset = self._found() or (self._begun(), [], 0)

    def add(self, content: bytes) -> None:
        """Uploads the next part: `part_bytes`, or fewer for the last one."""
        number = len(self._parts) + 1
        answer = self._s3.upload_part(**self._place, UploadId=self._id, PartNumber=number, Body=content)
        self._parts.append(_part(number, answer))
        self.offset += len(content)

    def complete(self) -> None:
        """Makes an object of the parts, unless another job that found the same upload has done it."""
        parts = {"Parts": self._parts}
        try:
            self._s3.complete_multipart_upload(**self._place, UploadId=self._id, MultipartUpload=parts)
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise

    def abort(self) -> None:
        """Removes the upload and its parts."""
        self._s3.abort_multipart_upload(**self._place, UploadId=self._id)

    def _begun(self) -> str:
        found: str = self._s3.create_multipart_upload(**self._place)["UploadId"]
        return found

    def _found(self) -> tuple[str, list[dict[str, Any]], int] | None:
        pages = self._s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._place["Bucket"], Prefix=self._place["Key"]
        )
        begun = [each["UploadId"] for page in pages for each in page.get("Uploads", ()) if self._is_ours(each)]
        known = [(each, *self._done(each)) for each in begun]
        return max(known, key=lambda each: (each[2], each[0])) if known else None

    def _is_ours(self, listed: Any) -> bool:
        return bool(listed["Key"] == self._place["Key"])

    def _done(self, upload_id: str) -> tuple[list[dict[str, Any]], int]:
        """The parts from the first on without a gap, and their bytes; of a part that is too short nothing counts."""
        pages = self._s3.get_paginator("list_parts").paginate(**self._place, UploadId=upload_id)
        parts: list[dict[str, Any]] = []
        for each in (each for page in pages for each in page.get("Parts", ())):
            if each["PartNumber"] != len(parts) + 1 or each["Size"] != self.part_bytes:
                break
            parts.append(_part(each["PartNumber"], each))
        return parts, len(parts) * self.part_bytes


def _part(number: int, answer: Any) -> dict[str, Any]:
    """A part as CompleteMultipartUpload takes it, with the checksum that boto3 had S3 verify."""
    sums = {name: value for name, value in answer.items() if name.startswith("Checksum") and name != "ChecksumType"}
    return {"PartNumber": number, "ETag": answer["ETag"], **sums}
