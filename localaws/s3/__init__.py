"""S3: objects kept on disk, and staged as folders for jobs that open `s3://` paths."""
