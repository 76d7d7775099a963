"""The tripwire: what looks like personal data is masked and named, and what only resembles it is left alone."""

import pytest
from arrow_arrays import texts
from hypothesis import given
from hypothesis import strategies as st
from personal_data import KINDS, kinds_in, masked

PERSONAL = {
    "Write to jane.doe+bank@mail.example.co.uk please": ("Write to XXXX please", ["email"]),
    "JANE@EXAMPLE.ORG": ("XXXX", ["email"]),
    "my SSN is 123-45-6789.": ("my SSN is XXXX.", ["ssn"]),
    "SSN 123 45 6789": ("SSN XXXX", ["ssn"]),
    "call (212) 555-0123 or 1-212-555-0123": ("call XXXX or 1-XXXX", ["phone"]),
    "call 212.555.0123, or +1 212 555 0123!": ("call XXXX, or +1 XXXX!", ["phone"]),
    "card 4111 1111 1111 1111 was charged": ("card XXXX was charged", ["card"]),
    "card 4111-1111-1111-1111, and 378282246310005": ("card XXXX, and XXXX", ["card"]),
    "+1(212)555-0123 or (212)555-0123": ("+1XXXX or XXXX", ["phone"]),
    "4222222222222": ("XXXX", ["card"]),
    "me@x.org, 123-45-6789 and 5555555555554444": ("XXXX, XXXX and XXXX", ["email", "ssn", "card"]),
}
HARMLESS = [
    "XXXX XXXX XXXX 1234 and {$500.00} on XX/XX/2019",
    "card 4111 1111 1111 1112",
    "a 20 digit number 41111111111111111111",
    "account 1234567890, reference 123456789",
    "in 2019-2020, 15 USC 1681, section 605-12-34567",
    "in 2012-555-0123 and 212-155-0123, A212-555-0123, 212-555-01234",
    "000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000",
    "an @ alone, user@localhost, @handle and a.b@",
    "1 2 3 4 5 6 7 8 9 and 100 200 300",
    "",
]


def found(given: list[str | None]) -> list[tuple[str | None, list[str]]]:
    """Each text, masked, and the kinds of personal data in it."""
    hidden = masked(texts(given))
    kinds = [[KINDS[place] for place in row.nonzero()[0]] for row in hidden.kinds]
    return list(zip(hidden.texts.to_pylist(), kinds, strict=True))


def test_personal_data_are_masked_and_named_by_kind() -> None:
    assert found([*PERSONAL]) == [*PERSONAL.values()]


def test_what_only_looks_like_it_is_left_alone() -> None:
    assert found([*HARMLESS]) == [(text, []) for text in HARMLESS]


def test_no_text_is_no_text() -> None:
    assert found([None]) == [(None, [])]


def test_of_thousands_of_numbers_each_card_is_masked_in_its_place() -> None:
    """In one pass: a replacement a card would take minutes."""
    written = [f"4{number:012}" for number in range(9_000)]
    (only,) = found([", x ".join(written)])
    expected = ["XXXX" if has_check_digit(each) else each for each in written]
    assert 800 < expected.count("XXXX") < 1_000
    assert only == (", x ".join(expected), ["card"])


def has_check_digit(number: str) -> bool:
    """Luhn's formula."""
    digits = [int(digit) for digit in reversed(number)]
    return sum(sum(divmod(digit * 2, 10)) if place % 2 else digit for place, digit in enumerate(digits)) % 10 == 0


@pytest.mark.parametrize("hostile", ["a@" + "b." * 60_000, "1 " * 60_000, "1-" * 60_000, "a." * 60_000, "@" * 120_000])
def test_a_hostile_text_takes_no_longer_than_its_length(hostile: str) -> None:
    assert found([hostile]) == [(hostile, [])]


# What numbers and addresses are made of, and what stands around them.
PIECES = st.sampled_from(
    ["(212)", "212", "555", "0123", "123", "45", "6789", "4111", "1111", "me", "@", "x.org", "é", "X"]
)
BETWEEN = st.sampled_from(["", " ", "-", ".", "  ", "\n"])


@given(st.lists(st.tuples(PIECES, BETWEEN), max_size=8).map(lambda parts: "".join(map("".join, parts))))
def test_no_personal_data_slip_through_the_sieve(text: str) -> None:
    """Of many texts only those are looked at closely that a quick search finds suspicious."""
    assert found([text])[0][1] == [name for name, holds in zip(KINDS, kinds_in(text), strict=True) if holds]
