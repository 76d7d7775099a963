# The images of docker-compose.yaml: `airflow` runs Airflow; `jobs` runs local AWS and the deployment. Each has one
# environment of locks/, installed with its hashes as `make` does. Any image with Python 3.11 or 3.12 and venv can be the
# base.
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS base
RUN useradd --uid 50000 --create-home --home-dir /home/ptmlops ptmlops
ENV PYTHONUNBUFFERED=1
WORKDIR /ptmlops

FROM base AS tools
ARG UV_VERSION=0.13.9
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
ENV PATH=/opt/uv/bin:$PATH UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1

FROM tools AS airflow-environment
COPY locks/airflow.txt locks/postgres.txt /locks/
RUN uv venv --quiet --python "$(command -v python3)" /opt/environment \
 && uv pip sync --quiet --require-hashes --python /opt/environment/bin/python /locks/airflow.txt /locks/postgres.txt

FROM base AS airflow
COPY --from=airflow-environment /opt/environment /opt/environment
# A new volume takes its owner and mode from the folder that it is mounted over.
RUN install -d -o ptmlops -g ptmlops /airflow /airflow/logs \
 && install -d -o ptmlops -g ptmlops -m 700 /airflow/secrets
ENV PATH=/opt/environment/bin:$PATH AIRFLOW_HOME=/airflow
COPY laptop laptop
USER ptmlops

FROM tools AS jobs-environment
COPY locks/jobs.txt /locks/
RUN uv venv --quiet --python "$(command -v python3)" /opt/environment \
 && uv pip sync --quiet --require-hashes --python /opt/environment/bin/python /locks/jobs.txt

FROM base AS jobs
COPY --from=jobs-environment /opt/environment /opt/environment
RUN install -d -o ptmlops -g ptmlops /aws
ENV PATH=/opt/environment/bin:$PATH PYTHONPATH=/ptmlops/dags
COPY localaws localaws
# Made here and as root: the archive is bound to the environment's paths, and whoever runs jobs cannot write there.
RUN python -m localaws.glue
COPY . .
USER ptmlops
