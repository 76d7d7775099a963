"""The commands: a module for each verb of the Makefile, and for each one-off command of docker-compose.yaml.

run             make run
up              make up; `detached` is its DETACH=1, `finished_runs` what it prints about runs
status          make status
logs            make logs
objects         make ls, make get, make put and make rm
down            make down and make reset
airflow_init    docker compose: secrets and database, before Airflow starts
seed_aws        docker compose: the release and the sample, into local AWS
unpause         docker compose: starts a DAG's schedule
health          docker compose: the health checks
"""
