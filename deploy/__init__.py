"""Brings the code that runs inside AWS to where AWS finds it: artifacts in S3, Glue jobs that point at them."""
