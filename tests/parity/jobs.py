"""Job scripts in place of the real ones: they take seconds, and fail in the ways that the cases ask for."""

from __future__ import annotations

from pathlib import Path

# The container installs the inference code, so it takes what builds it.
_INFERENCE = Path(__file__).parents[2] / "include" / "inference"
_BUILD = {f"inference/{name}": (_INFERENCE / name).read_text() for name in ("pyproject.toml", "wheel_of_modules.py")}
PREPARE = """
import json, sys, boto3
from urllib.parse import urlsplit
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
def put(uri, name, text):
    where = urlsplit(uri)
    boto3.client("s3").put_object(Bucket=where.netloc, Key=where.path.lstrip("/") + name, Body=text.encode())
record = {"complaint_id": "1", "narrative": "a SECRET-NARRATIVE"}
put(given["--records"], "part-0.json", json.dumps(record) if CLASSIFIED else "")
put(given["--account"], "part-0.txt", json.dumps({"by_source": []}))
"""
AUDIT = """
import hashlib, json, sys, boto3
from urllib.parse import urlsplit
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
def put(uri, name, text):
    where = urlsplit(uri)
    boto3.client("s3").put_object(Bucket=where.netloc, Key=where.path.lstrip("/") + name, Body=text.encode())
fates = {"classified": CLASSIFIED, "without_narrative": 1, "quarantined": 0, "superseded": 0}
put(given["--candidate"], "part-0.parquet", "results")
file = {"name": "part-0.parquet", "size": 7, "rows": CLASSIFIED, "sha256": hashlib.sha256(b"results").hexdigest()}
by_source = [{"source": "raw/a.csv", "rows_in": ROWS_IN, **fates}]
account = {"by_source": by_source, "quarantined_by_reason": {}, "unmapped": 0, "files": [file]}
account |= {"needs_review": {}, "scores": []}
put(given["--account"], "part-0.txt", json.dumps(account))
"""
INFERENCE = """
import json
def model_fn(folder): return None
def input_fn(body, content_type):
    return [json.loads(line) for line in (body if isinstance(body, str) else body.decode()).splitlines()]
def predict_fn(records, model): return [{"complaint_id": each["complaint_id"]} for each in records]
def output_fn(predictions, accept): return "\\n".join(json.dumps(each) for each in predictions), accept
"""
FAILING = 'raise ValueError("raw/a.csv: the header is missing")\n'
SLEEPING = "import time\ntime.sleep(120)\n"


def release(prepare: str = PREPARE, rows_in: int = 2, classified: int = 1) -> dict[str, str]:
    """The files of `include/`, for a file of `rows_in` rows, of which one has no narrative."""
    audit = AUDIT.replace("ROWS_IN", str(rows_in))
    return {
        "glue/prepare_complaints.py": prepare.replace("CLASSIFIED", str(classified)),
        "glue/prepare_history.py": FAILING,
        "glue/audit_results.py": audit.replace("CLASSIFIED", str(classified)),
        "training/train.py": FAILING,
        "inference/inference.py": INFERENCE,
        **_BUILD,
    }
