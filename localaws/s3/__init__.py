"""S3: persistence of objects, and staging for jobs that open `s3://` paths.

storage         URIs, and objects streamed to and from files
staging         a job's view of S3 as folders: downloaded before it runs, uploaded after
staged_updates  changes in S3 while a job runs, applied to its folders
persistence     buckets and objects in the state folder
stored_objects  one object's versions as files and JSON
"""
