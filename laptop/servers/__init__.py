"""The servers behind the commands, and the processes, files and secrets that belong to them.

stack                 local AWS and an orchestrator together, with the release deployed and the data uploaded
aws                   local AWS as a process, and clients for it
aws_credentials       the credentials that local AWS accepts
aws_jobs              the jobs on AWS behind the tasks: duration, failure, last log line
orchestrator          the interface of both orchestrators
airflow               Airflow as a process
airflow_components    the script that runs Airflow's components
airflow_api           Airflow's REST API
step_functions        Step Functions as an orchestrator
flow_runs             a run of a flow, followed to its end
inbox                 a folder whose files are uploaded
configuration         reads `airflow.env`
credentials           Airflow's password and secret settings
state                 the folder in which `make up` keeps its state
processes             a server process, its log and its port
leftovers             finds and stops the processes of a state folder
stopping              signals, and the clean-up that follows
"""
