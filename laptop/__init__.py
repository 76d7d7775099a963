"""The pipeline on one machine: Airflow or Step Functions, local AWS, a generated sample, and a report of the run.

verbs/                        the commands of the Makefile and of docker-compose.yaml; they use all of the others
servers/                      what they start, watch and stop: local AWS, Airflow, Step Functions
report/                       report.html, the summary in the terminal, and the quarantine as CSV
sample/                       generated complaints, used when no files are named
airflow.env, airflow_home/    Airflow's settings, and what its processes import before they fork
inputs.py                     the files that a person names, and their upload
terminal.py                   what is printed, with control characters escaped
"""
