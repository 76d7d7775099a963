# The verbs of this project. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run results up down status logs ls get put rm models promote rollback approve reject erase costs reset package deploy smoke destroy compose-test browser-test screenshots test test-quick test-all check export bench bench-compile \
	bench-orchestration bench-etl bench-prepare bench-model bench-inference bench-scale bench-monitoring lock clean

# The first interpreter that the locked environments support; name another by PYTHON=...
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3,$(shell command -v $(p) >/dev/null 2>&1 && \
	$(p) -c 'import sys; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)])' 2>/dev/null && echo $(p))))
UV_VERSION := 0.13.9
UV := .venvs/uv-$(UV_VERSION)/bin/uv
AIRFLOW_ENV := .venvs/airflow
JOBS_ENV := .venvs/jobs
BENCH_ENV := .venvs/bench
DEPLOY_ENV := .venvs/deploy
CHECKOV_ENV := .venvs/checkov
LAPTOP := $(JOBS_ENV)/bin/python -m laptop
# The benches of what the jobs do call the jobs' own code.
BENCH_PATH := dags:include/glue:include/training:include/inference:include/monitoring
# Where `make lock` finds Airflow's constraints, one file a version that MWAA builds an image for.
MWAA_CONSTRAINTS ?= ../shared/mwaa

# What a user has set up for other Pythons, Sparks and Airflows does not reach ours; Airflow's own settings are sorted out by
# laptop/servers/airflow.py.
unexport PYTHONSAFEPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONPLATLIBDIR VIRTUAL_ENV
unexport SPARK_HOME SPARK_CONF_DIR PYSPARK_PYTHON PYSPARK_DRIVER_PYTHON JAVA_HOME JAVA_TOOL_OPTIONS _JAVA_OPTIONS
unexport AIRFLOW_HOME AIRFLOW_CONFIG
export PIP_USER := 0

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV):
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or 3.12 found; install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up uv $(UV_VERSION) with $(PYTHON) ..."
	@$(PYTHON) -m venv .venvs/uv-$(UV_VERSION) || { echo "make: '$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@.venvs/uv-$(UV_VERSION)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# An environment is rebuilt when its lock changes, and only then.
.venvs/%/.installed: locks/%.txt $(UV)
	@echo "Setting up the environment '$*' (once) ..."
	@test -x .venvs/$*/bin/python || $(UV) venv --quiet --python $(PYTHON) .venvs/$*
	@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venvs/$*/bin/python $<
	@touch $@

# What Spark's JVM starts from (localaws/glue/class_data.py): made once in 20 s, it saves each Spark job 6 s of a processor.
$(JOBS_ENV)/.class-data: $(JOBS_ENV)/.installed
	@echo "Making the archive that local Spark jobs start from (once) ..."
	@$(JOBS_ENV)/bin/python -m localaws.glue
	@touch $@

# Values that people give reach the commands through the environment, and neither make nor a shell expands them: a file
# name may hold spaces, quotes, parentheses or $$( ). laptop/inputs.py splits TRAIN and CLASSIFY, and expands patterns.
override TRAIN := $(value TRAIN)
override CLASSIFY := $(value CLASSIFY)
override INBOX := $(value INBOX)
override INBOX_SECONDS := $(value INBOX_SECONDS)
override KEY := $(value KEY)
override FILE := $(value FILE)
override PORT := $(value PORT)
override LOGS := $(value LOGS)
override ORCHESTRATOR := $(value ORCHESTRATOR)
override RUN := $(value RUN)
override VERSION := $(value VERSION)
override ENV := $(value ENV)
override RELEASE := $(value RELEASE)
override ACCOUNT := $(value ACCOUNT)
override REASON := $(value REASON)
override BY := $(value BY)
override ID := $(value ID)
override BUCKET := $(value BUCKET)
export TRAIN CLASSIFY INBOX INBOX_SECONDS KEY FILE PORT LOGS ORCHESTRATOR RUN VERSION REASON BY ENV RELEASE ACCOUNT ID BUCKET

# For the benches: patterns are expanded here, as a shell leaves TRAIN=folder/*.csv alone.
named = $(foreach pattern,$(2),$(foreach path,$(or $(wildcard $(pattern)),$(pattern)),$(1) '$(path)'))

run: $(AIRFLOW_ENV)/.installed $(JOBS_ENV)/.class-data ## Train, classify and monitor, end to end; TRAIN= and CLASSIFY= name .csv, .csv.gz or .zip
	@PYTHONPATH=dags $(LAPTOP) run --train="$$TRAIN" --classify="$$CLASSIFY" --orchestrator="$${ORCHESTRATOR:-airflow}"

results: $(JOBS_ENV)/.installed ## Show where the results of the newest run are (or of RUN=id), counts, and the least certain complaints
	@PYTHONPATH=dags $(LAPTOP) results --run="$$RUN"

up: $(AIRFLOW_ENV)/.installed $(JOBS_ENV)/.class-data ## Start Airflow's UI (PORT=8080) and local AWS until Ctrl-C; INBOX=folder, DETACH=1
	@PYTHONPATH=dags exec $(LAPTOP) up --port="$${PORT:-8080}" --inbox="$$INBOX" $${INBOX_SECONDS:+--inbox-seconds="$$INBOX_SECONDS"} $(if $(DETACH),--detach)

down: $(JOBS_ENV)/.installed ## Stop what make up started, from any shell
	@PYTHONPATH=dags $(LAPTOP) down

status: $(JOBS_ENV)/.installed ## Show whether make up is running, its addresses and its runs
	@PYTHONPATH=dags $(LAPTOP) status

logs: $(JOBS_ENV)/.installed ## Follow the logs of make up's servers (LOGS=up, airflow or aws)
	@PYTHONPATH=dags exec $(LAPTOP) logs "$${LOGS:-all}"

ls: $(JOBS_ENV)/.installed ## List the objects in the bucket of make up (KEY=raw/)
	@PYTHONPATH=dags $(LAPTOP) ls --key="$$KEY"

get: $(JOBS_ENV)/.installed ## Download an object of make up: KEY=results/..., FILE=where to
	@PYTHONPATH=dags $(LAPTOP) get --key="$$KEY" --file="$$FILE"

put: $(JOBS_ENV)/.installed ## Upload a file to make up: FILE=complaints.csv, KEY=raw/
	@PYTHONPATH=dags $(LAPTOP) put --key="$$KEY" --file="$$FILE"

rm: $(JOBS_ENV)/.installed ## Remove an object of make up: KEY=raw/complaints.csv
	@PYTHONPATH=dags $(LAPTOP) rm --key="$$KEY"

models: $(JOBS_ENV)/.installed ## List the model versions of make up: scores, verdicts, which is in service since when
	@PYTHONPATH=dags $(LAPTOP) models

promote: $(JOBS_ENV)/.installed ## Put a version into service: VERSION=v3, REASON=..., BY=; FORCE=1 if it is not approved
	@PYTHONPATH=dags $(LAPTOP) promote --version="$$VERSION" --reason="$$REASON" --by="$$BY" $(if $(FORCE),--force)

rollback: $(JOBS_ENV)/.installed ## Put the version before into service: REASON=..., BY=
	@PYTHONPATH=dags $(LAPTOP) rollback --reason="$$REASON" --by="$$BY" $(if $(FORCE),--force)

approve: $(JOBS_ENV)/.installed ## Approve a version: VERSION=v3, REASON=..., BY=
	@PYTHONPATH=dags $(LAPTOP) approve --version="$$VERSION" --reason="$$REASON" --by="$$BY"

reject: $(JOBS_ENV)/.installed ## Reject a version: VERSION=v3, REASON=..., BY=
	@PYTHONPATH=dags $(LAPTOP) reject --version="$$VERSION" --reason="$$REASON" --by="$$BY"

erase: $(JOBS_ENV)/.installed ## Report where a bucket holds a complaint: BUCKET=, ID=, REASON=, BY=; APPLY=1 erases it there
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m deploy.erasure --id "$$ID" --by "$${BY:-$$(id -un)}" --reason "$$REASON" --bucket "$$BUCKET" $(if $(APPLY),--apply)

costs: $(JOBS_ENV)/.installed ## Show what runs and idle environments cost on AWS, by the prices in pipeline_config.yaml
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m deploy.costs

reset: $(JOBS_ENV)/.installed ## Remove the data of make up in build/up, after asking (YES=1: without asking)
	@PYTHONPATH=dags $(LAPTOP) reset $(if $(YES),--yes)

compose-test: $(JOBS_ENV)/.installed ## Build docker-compose.yaml, run both flows in it, restart it; skips where no Docker engine is
	@$(JOBS_ENV)/bin/python -m pytest tests/compose -rs

browser-test: $(foreach e,airflow jobs browser,.venvs/$(e)/.installed) ## Use Airflow's UI in Chromium, both flows; skips where no Chromium is
	@.venvs/browser/bin/python -m pytest tests/browser -rs

screenshots: $(foreach e,airflow jobs browser,.venvs/$(e)/.installed) ## The same, and take the pictures of README.md anew
	@.venvs/browser/bin/python -m pytest tests/browser -rs --screenshots docs/screenshots

test: $(foreach e,airflow airflow-oldest airflow-newest airflow-canary jobs glue-5 glue-6 bench,.venvs/$(e)/.installed) $(JOBS_ENV)/.class-data ## Run the tests, each in its environment, but for the long campaign
	@exec $(JOBS_ENV)/bin/python tests/run_all.py

test-quick: $(AIRFLOW_ENV)/.installed $(JOBS_ENV)/.installed ## Run the tests that start no job and no server
	@exec $(JOBS_ENV)/bin/python tests/run_all.py --tier quick

test-all: $(foreach e,airflow airflow-oldest airflow-newest airflow-canary jobs glue-5 glue-6 bench,.venvs/$(e)/.installed) $(JOBS_ENV)/.class-data ## Run every test: the long campaign and more examples of property tests, too
	@exec $(JOBS_ENV)/bin/python tests/run_all.py --tier all

check: $(foreach e,airflow jobs deploy checkov,.venvs/$(e)/.installed) ## Lint, format, strict types, CloudFormation templates, and whether what is generated is current
	@$(JOBS_ENV)/bin/ruff check .
	@$(JOBS_ENV)/bin/ruff format --check .
	@MYPYPATH=dags $(AIRFLOW_ENV)/bin/mypy dags plugins stepfunctions docs bench/compile_time.py
	@PYTHONPATH=dags $(AIRFLOW_ENV)/bin/python -m stepfunctions --check
	@$(AIRFLOW_ENV)/bin/python -m tests.campaign.page --check
	@PYTHONPATH=dags $(AIRFLOW_ENV)/bin/python docs/generate_configuration.py --check
	@PYTHONPATH=dags $(DEPLOY_ENV)/bin/python -m deploy.image_table --check
	@MYPYPATH=dags $(JOBS_ENV)/bin/mypy deploy laptop localaws bench/orchestration.py bench/etl_contenders.py bench/etl_stages.py bench/prepare_contenders.py bench/timed_job.py
	@MYPYPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/mypy bench/etl.py bench/prepare.py bench/scale.py bench/model.py bench/issues.py bench/inference.py bench/monitoring.py
	@$(JOBS_ENV)/bin/cfn-lint infra/*.yaml
	@$(CHECKOV_ENV)/bin/checkov --config-file .checkov.yaml
	@if docker compose version >/dev/null 2>&1; then docker compose --file docker-compose.yaml config --quiet; \
		elif docker-compose version >/dev/null 2>&1; then docker-compose --file docker-compose.yaml config --quiet; \
		else echo "docker-compose.yaml: not checked, there is no docker compose on this machine"; fi
	@for room in glue training inference monitoring; do MYPYPATH=include/$$room $(JOBS_ENV)/bin/mypy include/$$room || exit 1; done

package: $(AIRFLOW_ENV)/.installed $(JOBS_ENV)/.installed ## Build the release for an environment in build/package (ENV=dev), with the hash of each file
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m deploy.package "$$ENV"

deploy: $(AIRFLOW_ENV)/.installed $(JOBS_ENV)/.installed ## Deploy an environment to AWS: ENV=dev; RELEASE=hash goes back, YES=1 does not ask, ACCOUNT=id
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m deploy deploy "$$ENV" --release="$$RELEASE" --account="$$ACCOUNT" $(if $(YES),--yes)

smoke: $(JOBS_ENV)/.installed ## Try a deployed environment with one history and one raw file: ENV=dev, TRAIN= and CLASSIFY= (default: a sample)
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m laptop.sample build/smoke
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m deploy smoke "$$ENV" --history="$${TRAIN:-build/smoke/history.csv}" --raw="$${CLASSIFY:-build/smoke/raw.csv}"

destroy: $(JOBS_ENV)/.installed ## Take an environment down, after asking (ENV=dev, YES=1: without asking); its data stays
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m deploy destroy "$$ENV" $(if $(YES),--yes)

export: $(AIRFLOW_ENV)/.installed $(DEPLOY_ENV)/.installed ## Write what is generated: stepfunctions/*.asl.json, docs/flows/, configuration.md, faults.md, costs.md, images.yaml
	@PYTHONPATH=dags $(DEPLOY_ENV)/bin/python -m deploy.image_table
	@PYTHONPATH=dags $(AIRFLOW_ENV)/bin/python -m stepfunctions
	@$(AIRFLOW_ENV)/bin/python -m tests.campaign.page
	@PYTHONPATH=dags $(AIRFLOW_ENV)/bin/python docs/generate_configuration.py
	@PYTHONPATH=dags $(AIRFLOW_ENV)/bin/python -m deploy.costs --write

bench: bench-compile bench-orchestration ## Measure: compile time, and what each orchestrator adds (TRAIN= CLASSIFY= REPEAT=)

bench-compile: $(AIRFLOW_ENV)/.installed
	@PYTHONPATH=dags $(AIRFLOW_ENV)/bin/python -W ignore -m bench.compile_time $(if $(REPEAT),--repeat $(REPEAT))

bench-orchestration: $(AIRFLOW_ENV)/.installed $(JOBS_ENV)/.class-data
	@PYTHONPATH=dags $(JOBS_ENV)/bin/python -m bench.orchestration $(call named,--train,$(TRAIN)) \
		$(call named,--classify,$(CLASSIFY)) $(if $(REPEAT),--repeat $(REPEAT))

bench-etl: $(JOBS_ENV)/.installed $(BENCH_ENV)/.installed ## Measure: complaints CSV to Parquet, beside Spark, DuckDB, Polars, pandas, pyarrow (ROWS=, CONTENDERS=)
	@PYTHONPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/python -W ignore -m bench.etl --bench-python $(BENCH_ENV)/bin/python $(if $(ROWS),--rows $(ROWS)) $(if $(CONTENDERS),--contenders $(CONTENDERS))

bench-prepare: $(JOBS_ENV)/.class-data $(BENCH_ENV)/.installed ## Measure: the whole Glue jobs, from CSV to results, beside DuckDB and Polars (ROWS=)
	@PYTHONPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/python -W ignore -m bench.prepare --bench-python $(BENCH_ENV)/bin/python $(if $(ROWS),--rows $(ROWS) --contenders)

bench-scale: $(JOBS_ENV)/.installed ## Measure: training on 10 thousand to 3.5 million narratives, time and memory (TRAIN= names CSV files)
	@PYTHONPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/python -m bench.scale $(call named,--train,$(TRAIN))

bench-model: $(JOBS_ENV)/.installed $(BENCH_ENV)/.installed ## Measure: our classifier beside the published ones (DATA= names a folder of exports; QUESTION=issue: only the second question)
	@$(if $(QUESTION),,PYTHONPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/python -W ignore -m bench.model --bench-python $(BENCH_ENV)/bin/python $(if $(DATA),--data $(DATA)))
	@PYTHONPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/python -W ignore -m bench.issues $(if $(DATA),--data $(DATA))

bench-inference: $(JOBS_ENV)/.installed $(BENCH_ENV)/.installed ## Measure: narratives per second and core, and dollars per million (DATA=)
	@PYTHONPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/python -W ignore -m bench.inference --bench-python $(BENCH_ENV)/bin/python $(if $(DATA),--data $(DATA))

bench-monitoring: $(JOBS_ENV)/.installed ## Measure: what monitoring decides about changed complaints, and PSI beside it (DATA=)
	@OMP_NUM_THREADS=1 PYTHONPATH=$(BENCH_PATH) $(JOBS_ENV)/bin/python -W ignore -m bench.monitoring $(if $(DATA),--data $(DATA))

lock: $(UV) ## Resolve the environments anew into locks/ (MWAA_CONSTRAINTS= names the folder of constraints)
	@mkdir -p locks
	@$(call compile,--group airflow -c $(MWAA_CONSTRAINTS)/constraints-3.2.1-py3.12.txt,airflow)
	@$(call compile,--group airflow-oldest -c $(MWAA_CONSTRAINTS)/constraints-3.0.6-py3.12.txt,airflow-oldest)
	@$(call compile,--group airflow-newest -c $(MWAA_CONSTRAINTS)/constraints-3.3.1-py3.12.txt,airflow-newest)
	@$(call compile,--group airflow-canary,airflow-canary)
	@$(call compile,--group postgres -c $(MWAA_CONSTRAINTS)/constraints-3.2.1-py3.12.txt,postgres)
	@$(call compile,--group jobs,jobs)
	@$(call compile,--group glue-5,glue-5)
	@$(call compile,--group glue-6,glue-6)
	@$(call compile,--group deploy,deploy)
	@$(call compile,--group checkov,checkov)
	@$(call compile,--group bench,bench)
	@$(call compile,--group browser,browser)

# --universal: one lock for Python 3.11 and 3.12, on every platform. Hashes, and no index.
define compile
$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	$(1) --output-file locks/$(2).txt && echo "locks/$(2).txt"
endef

clean: ## Remove what was built; the environments stay
	@rm -rf build
