"""Benchmarks: each runs the same work in several ways in one session, checks that the results agree, and compares.

- `etl`, `etl_contenders`: complaints CSV to Parquet, against Spark, DuckDB, Polars, pandas and pyarrow
- `model`, `model_contenders`, `fasttext_peer`: the classifier against published ones
- `inference`: classified narratives per second and core
- `monitoring`, `monitoring_changes`: what monitoring decides about complaints that were changed on purpose
- `scale`: time and memory of training as the data grows
- `orchestration`, `orchestrator_comparison`: one run through Airflow and through Step Functions
- `compile_time`, `import_time`, `synthetic_dags`: import and compile times of DAGs
- `labelled_narratives`, `tiled_narratives`: the data
- `processes`: a contender in a process of its own, with its peak memory
- `results`, `tables`: where the figures are written, and how they are printed
"""
