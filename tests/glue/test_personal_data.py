"""The tripwire: what looks like personal data is masked and named, and what only resembles it is left alone."""

import pytest
from personal_data import kinds_in, masked
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

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


def found(spark: SparkSession, texts: list[str | None]) -> list[Row]:
    table = spark.createDataFrame([(text,) for text in texts], "text string")
    named = table.withColumn("kinds", kinds_in(F.col("text")))
    return named.select(masked(F.col("text"), F.col("kinds")).alias("text"), "kinds").collect()


def test_personal_data_are_masked_and_named_by_kind(spark: SparkSession) -> None:
    assert [(row.text, row.kinds) for row in found(spark, [*PERSONAL])] == [*PERSONAL.values()]


def test_what_only_looks_like_it_is_left_alone(spark: SparkSession) -> None:
    assert [(row.text, row.kinds) for row in found(spark, [*HARMLESS])] == [(text, []) for text in HARMLESS]


def test_no_text_is_no_text(spark: SparkSession) -> None:
    assert [(row.text, row.kinds) for row in found(spark, [None])] == [(None, [])]


def test_of_thousands_of_numbers_each_card_is_masked_in_its_place(spark: SparkSession) -> None:
    """In one pass: a replacement a card would take minutes."""
    written = [f"4{number:012}" for number in range(9_000)]
    (row,) = found(spark, [", x ".join(written)])
    expected = ["XXXX" if has_check_digit(each) else each for each in written]
    assert 800 < expected.count("XXXX") < 1_000
    assert (row.text, row.kinds) == (", x ".join(expected), ["card"])


def has_check_digit(number: str) -> bool:
    """Luhn's formula."""
    digits = [int(digit) for digit in reversed(number)]
    return sum(sum(divmod(digit * 2, 10)) if place % 2 else digit for place, digit in enumerate(digits)) % 10 == 0


@pytest.mark.parametrize("hostile", ["a@" + "b." * 60_000, "1 " * 60_000, "1-" * 60_000, "a." * 60_000, "@" * 120_000])
def test_a_hostile_text_takes_no_longer_than_its_length(spark: SparkSession, hostile: str) -> None:
    assert found(spark, [hostile])[0].kinds == []
