"""The programs that run inside a job's process. They import nothing of localaws.

run_function  Lambda's Python runtime for one event
serve_batch   the server and agent of a batch transform
"""
