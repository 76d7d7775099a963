"""The HTTP endpoint in front of moto.

endpoint       LocalAWS: starts and stops the server
services       the services that execute something, connected with each other
take_over      the operations that are answered in front of moto
access         access control: credentials, host names, no web pages
signature      verification of AWS Signature Version 4
credentials    the credentials that the server accepts
cloud          boto3 clients of the endpoint, and the environment of jobs
protocol       AWS's JSON protocol: validation, answers, errors
calls          the operation and parameters of an HTTP request
trail          a record of all changes, in CloudTrail's format
persistence    state that outlives the server
state_files    crash-safe files of the state folder
private_files  folders and files that only their owner can read
paging         pages of list operations
timer          delayed calls
"""
