"""What the container serves: a line in, a line out, in order, whatever a line holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference import input_fn, model_fn, output_fn, predict_fn
from ngram_scorer import NgramScorer

from tests.inference.small_model import save, scorer

JSON_LINES = "application/jsonlines"
MODEL = scorer()


def line(identifier: str | None, narrative: str) -> str:
    return json.dumps({"complaint_id": identifier, "narrative": narrative}, ensure_ascii=False)


def served(payload: str | bytes, model: NgramScorer = MODEL) -> list[dict[str, Any]]:
    """A payload through the container's functions, and its answer read as JSON Lines."""
    body, content_type = output_fn(predict_fn(input_fn(payload, JSON_LINES), model), JSON_LINES)
    assert content_type == JSON_LINES
    return [json.loads(each) for each in body.split("\n")] if body else []


def test_the_container_finds_a_model_that_answers_as_the_fitted_one(tmp_path: Path) -> None:
    payload = "\n".join([line("1", "A fee on the card."), line("2", "My mortgage.")])
    assert served(payload, model_fn(str(save(tmp_path / "model")))) == served(payload)


def test_each_record_is_answered_under_its_id_in_its_order() -> None:
    told = {"9": "The escrow of my mortgage.", "1": "A fee on my card.", "5": "A student loan."}
    answers = served("\n".join(line(identifier, text) for identifier, text in told.items()))
    assert [(answer["complaint_id"], answer["predicted_product"]) for answer in answers] == [
        ("9", "mortgage"),
        ("1", "card"),
        ("5", "student_loan"),
    ]


def test_an_answer_names_the_two_best_classes_and_their_probabilities() -> None:
    (answer,) = served(line("1", "A fee on my card and on the house."))
    probabilities = dict(
        zip(MODEL.classes_, MODEL.predict_proba(["A fee on my card and on the house."])[0], strict=True)
    )
    (best, second, _) = sorted(probabilities, key=probabilities.__getitem__, reverse=True)
    assert answer == {"complaint_id": "1", "predicted_product": best, "runner_up": second} | {
        "confidence": probabilities[best],
        "runner_up_confidence": probabilities[second],
        "known_ngrams": 12,
    }


@pytest.mark.parametrize("narrative", ["XXXX XX/XX/2024", "12345", "银行拒绝退还我的钱", "Мой банк", "!", "zzz qqq"])
def test_a_text_without_a_word_that_the_model_knows_says_so(narrative: str) -> None:
    nothing, something = served(line("1", narrative) + "\n" + line("2", f"{narrative} escrow"))
    assert (nothing["known_ngrams"], something["known_ngrams"]) == (0, 1)


def test_a_deeply_nested_record_fails_alone() -> None:
    nested = '{"complaint_id": "1", "narrative": ' + "[" * 100_000 + "]" * 100_000 + "}"
    first, second = served(nested + "\n" + line("2", "My mortgage."))
    assert "not JSON" in first["error"]
    assert second["predicted_product"] == "mortgage"


@given(st.lists(st.text(max_size=40), max_size=5))
def test_whatever_a_narrative_says_its_confidences_are_probabilities_of_two_classes(narratives: list[str]) -> None:
    answers = served("\n".join(line(str(place), text) for place, text in enumerate(narratives)))
    assert [answer["complaint_id"] for answer in answers] == [str(place) for place in range(len(narratives))]
    for answer in answers:
        assert answer["predicted_product"] != answer["runner_up"]
        assert 1 >= answer["confidence"] >= answer["runner_up_confidence"] >= 0
        assert answer["confidence"] + answer["runner_up_confidence"] <= 1 + 1e-12


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_nothing_but_a_newline_ends_a_record(separator: str) -> None:
    narrative = f"A fee{separator}on my card."
    raw = f'{{"complaint_id": "1", "narrative": "{narrative}"}}' if separator > "\x1f" else line("1", narrative)
    (record,) = input_fn(raw.encode(), JSON_LINES)
    assert record == {"complaint_id": "1", "narrative": narrative}


def test_a_carriage_return_between_the_fields_of_a_record_does_not_end_it() -> None:
    payload = b'{"complaint_id": "1",\r"narrative": "A fee."}\r\n{"complaint_id": "2", "narrative": "A card."}\r\n'
    assert [record["complaint_id"] for record in input_fn(payload, JSON_LINES)][:2] == ["1", "2"]


def test_an_answer_is_ascii_so_that_nothing_but_a_newline_ends_its_line() -> None:
    body, _ = output_fn([{"complaint_id": None, "error": "a\u2028b\nc"}], JSON_LINES)
    assert body == '{"complaint_id": null, "error": "a\\u2028b\\nc"}'


def test_a_payload_ends_with_a_newline_or_without() -> None:
    records = [line("1", "A fee."), line("2", "A card.")]
    assert served("\n".join(records)) == served("\n".join(records) + "\n")
    assert len(served("\n".join(records) + "\n")) == 2


def test_text_and_bytes_are_the_same_payload() -> None:
    payload = line("1", "Caf\xe9 \U0001f4b3")
    assert input_fn(payload, JSON_LINES) == input_fn(payload.encode(), JSON_LINES)


@pytest.mark.parametrize(
    ("bad", "identifier", "error"),
    [
        (b"{", None, "not JSON: "),
        (b"card", None, "not JSON: "),
        (b'{"complaint_id": "2", "narrative": "can\x92t"}', None, "not JSON: "),
        (b'["2", "A fee."]', None, "not an object but list"),
        (b"null", None, "not an object but NoneType"),
        (b'{"complaint_id": "2"}', "2", "no narrative"),
        (b'{"complaint_id": "2", "narrative": null}', "2", "no narrative"),
        (b'{"complaint_id": "2", "narrative": 5}', "2", "no narrative"),
    ],
)
def test_a_bad_record_has_an_error_in_its_place_and_its_neighbours_are_scored(
    bad: bytes, identifier: str | None, error: str
) -> None:
    before, after = line("1", "A fee on my card."), line("3", "My mortgage.")
    first, second, third = served(b"\n".join([before.encode(), bad, after.encode()]))
    assert (second.keys(), second["complaint_id"]) == ({"complaint_id", "error"}, identifier)
    assert second["error"].startswith(error)
    assert [first, third] == served(f"{before}\n{after}")


def test_a_payload_of_bad_records_only_is_answered_with_errors_only() -> None:
    assert [answer["error"] for answer in served("[]\n{}")] == ["not an object but list", "no narrative"]


def test_an_empty_payload_has_an_empty_answer() -> None:
    assert served("") == []


def test_another_content_type_is_refused_with_the_right_one() -> None:
    with pytest.raises(ValueError, match=r"^content type 'text/csv' is not served; send 'application/jsonlines'$"):
        input_fn(b"1,A fee.", "text/csv")


def test_another_accept_is_refused_with_the_right_one() -> None:
    with pytest.raises(ValueError, match=r"^'\*/\*' is not served; ask for 'application/jsonlines'$"):
        output_fn([], "*/*")
