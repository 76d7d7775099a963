"""`python -m bench.inference`: narratives classified per second of processor time, against common alternatives.

All contenders are trained on the same narratives and classify them, repeated to the number of rows.

- `ours`: the scorer of the SageMaker container; `ours_served`: the same with JSON Lines in and out;
  `ours_explained`: with the n-grams that decided, too
- `same_model_sklearn`: the same model as a scikit-learn pipeline, which should give the same answers
- `sklearn_pipeline`: TF-IDF and LinearSVC with the same n-grams
- `linear_svc_recipe`: a published recipe for this data; `fasttext`: fastText
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from inference import input_fn, output_fn, predict_fn
from ngram_scorer import NgramScorer
from sklearn.svm import LinearSVC
from trained_model import TrainedModel

from bench.labelled_narratives import DATA, Labelled, labelled
from bench.model_contenders import FastText, Ours, Stock, contender
from bench.processes import own_peak_memory_mb
from bench.results import record, save, version_in
from bench.tables import machine, table

_JSON_LINES = "application/jsonlines"
_PAYLOAD_ROWS = 5_000  # about 6 MB
# Batch transform in us-east-1, list price of 2025. Four vCPUs, which are two cores, work on one payload each.
_INSTANCE, _DOLLARS_AN_HOUR, _CORES_AT_WORK = "ml.m5.xlarge", 0.23, 2
_START_UP_SECONDS = 240.0  # assumed time until the container of a transform job answers
_MILLION = 1_000_000
_ABOUT = (
    "Narratives classified per second of processor time on one core: the scorer of the SageMaker container "
    "(`ours`), with JSON Lines in and out (`ours_served`), also with evidence (`ours_explained`), and the same "
    "model as a scikit-learn pipeline (`same_model_sklearn`), against TF-IDF with LinearSVC on the same n-grams "
    "(`sklearn_pipeline`), a published recipe and fastText. `ratio` is to `sklearn_pipeline`; `agreement` is the share "
    "of narratives with the same answer as `same_model_sklearn`."
)
NAMES = (
    "ours",
    "ours_served",
    "ours_explained",
    "same_model_sklearn",
    "sklearn_pipeline",
    "linear_svc_recipe",
    "fasttext",
)

Answer = Callable[[Sequence[str]], Iterable[str]]


def main() -> int:
    """Prints the table and writes it to build/bench/inference.json and docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="bench.inference", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of complaints (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=20_000, help="narratives to classify (default: %(default)s)")
    parser.add_argument("--bench-python", default=sys.executable, help="the Python that has fastText")
    options = parser.parse_args()
    print(f"{_ABOUT}\n\n{machine()}, scikit-learn {sklearn.__version__}, numpy {np.__version__}\n", flush=True)
    found: list[dict[str, Any]] = []
    for name in NAMES:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            found.append(process.submit(measured, name, options.data, options.rows, options.bench_python).result())
        print(f"{name} done", flush=True)
    answers = {each["contender"]: each.pop("answers") for each in found}
    for each in found:
        # The agreement of the same model with ours must be complete; for others it shows how similar they are.
        reference = "same_model_sklearn" if each["contender"] != "same_model_sklearn" else "ours"
        each["agreement"] = float(np.mean(np.array(answers[each["contender"]]) == np.array(answers[reference])))
        each["dollars_per_million"] = dollars_per_million(each["documents_per_second_per_core"])
    price = f"{_INSTANCE} at ${_DOLLARS_AN_HOUR}/h, {_CORES_AT_WORK} busy cores, {_START_UP_SECONDS:.0f} s of start-up"
    text = f"{_overview(found)}\n\n$ per million narratives: {price} (all assumed)"
    print(f"\n{text}")
    save("inference", found)
    record(
        "inference",
        _ABOUT,
        text,
        ["scikit-learn", "numpy", "scipy"],
        [version_in(options.bench_python, "fasttext-wheel")],
    )
    return 0


def measured(name: str, folder: Path, rows: int, fasttext_python: str) -> dict[str, Any]:
    """The figures of one contender: processor time for all rows, the better of two runs, and its answers."""
    data = labelled(folder)
    texts = [str(text) for text in np.resize(data.narratives, rows)]
    if name == "fasttext":
        peer = FastText(fasttext_python).fit(list(data.narratives), list(data.labels))
        response = peer.answers(texts)
        answers, seconds = response["labels"], response["seconds"]["predict"]
    else:
        answer = _answering(name, data)
        runs = []
        for _ in range(2):
            start = time.process_time()
            answers = list(answer(texts))
            runs.append(time.process_time() - start)
        seconds = min(runs)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    return {
        "contender": name,
        "rows": rows,
        "checksum": hashlib.sha256("\n".join(answers).encode()).hexdigest(),
        "seconds": seconds,
        "peak_memory_mb": children if name == "fasttext" else own_peak_memory_mb(),
        "documents_per_second_per_core": rows / seconds,
        "answers": [str(each) for each in answers],
    }


def _answering(name: str, data: Labelled) -> Answer:
    learn = list(data.narratives), list(data.labels)
    if name == "linear_svc_recipe":
        recipe = contender(name, "")
        assert isinstance(recipe, Stock)
        return recipe.fit(*learn).pipeline.predict  # type: ignore[no-any-return]
    ours = Ours().fit(*learn)
    options = ours.options
    if name == "sklearn_pipeline":
        same = {"token_pattern": ours.model.pipeline["tfidf"].token_pattern, "max_features": options.max_features}
        plain = Stock(LinearSVC(random_state=13), min_df=options.min_df, max_df=options.max_df, **same)
        return plain.fit(*learn).pipeline.predict  # type: ignore[no-any-return]
    if name == "same_model_sklearn":
        return ours.model.pipeline.predict  # type: ignore[no-any-return]
    if name == "ours":
        return ours.scorer.predict
    return _served(NgramScorer(TrainedModel(*ours.model[:2]), explains=name == "ours_explained"))


def _served(scorer: NgramScorer) -> Answer:
    def answer(texts: Sequence[str]) -> list[str]:
        answers: list[str] = []
        for start in range(0, len(texts), _PAYLOAD_ROWS):
            rows = [{"complaint_id": str(start), "narrative": text} for text in texts[start : start + _PAYLOAD_ROWS]]
            payload = "\n".join(map(json.dumps, rows)).encode()
            body, _ = output_fn(predict_fn(input_fn(payload, _JSON_LINES), scorer), _JSON_LINES)
            answers += [json.loads(line)["predicted_product"] for line in body.split("\n")]
        return answers

    return answer


def dollars_per_million(documents_per_second: float) -> float:
    """The list price of a million narratives on one instance, including its start-up."""
    seconds = _START_UP_SECONDS + _MILLION / (documents_per_second * _CORES_AT_WORK)
    return seconds / 3600 * _DOLLARS_AN_HOUR


def _overview(found: list[dict[str, Any]]) -> str:
    plain = next(each for each in found if each["contender"] == "sklearn_pipeline")["documents_per_second_per_core"]
    rows = []
    for each in found:
        speed = each["documents_per_second_per_core"]
        cost = [f"{each['dollars_per_million']:.4f}", f"{each['peak_memory_mb']:,.0f}"]
        rows.append([each["contender"], f"{speed:,.0f}", f"{speed / plain:.2f}", f"{each['agreement']:.4%}", *cost])
    return table(["", "docs/s/core", "ratio", "agreement", "$ per million", "peak MB"], rows)


if __name__ == "__main__":
    sys.exit(main())
