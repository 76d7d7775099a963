"""The programs that run inside a job's process. They import nothing of localaws.

run_function  Lambda's Python runtime for one event
serve_batch   the server and agent of a batch transform
fork_server   forks a process for each job from an interpreter that has imported what they need
run_script    runs a script in such a process; aws_apis lets boto3 keep what it has read
"""
