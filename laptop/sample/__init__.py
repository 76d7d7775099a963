"""The synthetic sample: complaints that were never filed, in the exact schema of the CFPB's export."""

from laptop.sample.files import Sample, write_sample

__all__ = ["Sample", "write_sample"]
