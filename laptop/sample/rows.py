"""Synthetic complaints as rows of the CFPB's Consumer Complaint Database, with the values of its columns."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from laptop.sample.narratives import NEIGHBOURS, Narrator
from laptop.sample.taxonomy import SECOND_TAXONOMY, UNMAPPED, Category, categories
from laptop.sample.texts import COMPANIES

COLUMNS = (
    "Date received",
    "Product",
    "Sub-product",
    "Issue",
    "Sub-issue",
    "Consumer complaint narrative",
    "Company public response",
    "Company",
    "State",
    "ZIP code",
    "Tags",
    "Consumer consent provided?",
    "Submitted via",
    "Date sent to company",
    "Company response to consumer",
    "Timely response?",
    "Consumer disputed?",
    "Complaint ID",
)
# The CFPB dropped two columns from its API export in June 2026.
DROPPED_IN_2026 = ("Consumer consent provided?", "Consumer disputed?")
COLUMNS_2026 = tuple(column for column in COLUMNS if column not in DROPPED_IN_2026)

# Shares of the classes, in thousandths; the rest is about products that belong to no class.
SHARES = {
    "credit_reporting": 400,
    "debt_collection": 180,
    "mortgage": 100,
    "card": 90,
    "bank_account": 85,
    "student_loan": 50,
    "vehicle_loan": 38,
    "money_transfer": 30,
    "payday_personal_loan": 20,
}
UNMAPPED_SHARE = 7
MISLABELLED_PERCENT = 4
# Above every id of the CFPB: a synthetic complaint cannot be mistaken for a real one.
FIRST_ID = 900_000_000

_RESPONSES = (
    "Company has responded to the consumer and the CFPB and chooses not to provide a public response",
    "Company believes it acted appropriately as authorized by contract or law",
    "",
    "",
)
_CLOSED = (
    "Closed with explanation",
    "Closed with explanation",
    "Closed with non-monetary relief",
    "Closed with monetary relief",
    "In progress",
    "Untimely response",
)
_STATES = ("CA", "TX", "FL", "NY", "GA", "IL", "PA", "NC", "OH", "PR", "")
_TAGS = ("", "", "", "", "", "Servicemember", "Older American", "Older American, Servicemember")
_REFUSED = ("Consent not provided", "Consent not provided", "Other", "N/A", "")


@dataclass(frozen=True)
class Complaint:
    """One published complaint: its columns by name."""

    columns: dict[str, str]
    mapped: bool

    @property
    def has_narrative(self) -> bool:
        """True if the consumer consented to the publication of the narrative."""
        return bool(self.columns["Consumer complaint narrative"])

    def row(self, columns: Sequence[str]) -> list[str]:
        """The values of these columns, in their order."""
        return [self.columns[column] for column in columns]


class Register:
    """Generates complaints with unique, increasing ids."""

    def __init__(self, rng: random.Random, first_id: int = FIRST_ID) -> None:
        self._rng = rng
        self._narrator = Narrator(rng)
        self._last_id = first_id

    def take(self, first_day: date, last_day: date, narrative_percent: int) -> Complaint:
        """A complaint received between these days; later days are more frequent, as in the growing database."""
        rng = self._rng
        days = (last_day - first_day).days + 1
        received_on = first_day + timedelta(max(rng.randrange(days), rng.randrange(days)))
        labels, shares = list(SHARES), list(SHARES.values())
        label = rng.choices([*labels, None], weights=[*shares, UNMAPPED_SHARE])[0]
        about = label or rng.choice(labels)
        narrative = self._narrator.narrative(about) if rng.randrange(100) < narrative_percent else ""
        chosen = rng.choice(NEIGHBOURS[about]) if rng.randrange(100) < MISLABELLED_PERCENT else about
        category = rng.choice(categories(chosen, received_on) if label else UNMAPPED)
        self._last_id += rng.randint(1, 9)
        columns = {
            **_what(category, narrative),
            **self._who(about, bool(narrative)),
            **self._when(received_on),
            "Complaint ID": str(self._last_id),
        }
        return Complaint(columns, mapped=label is not None)

    def _who(self, about: str, has_narrative: bool) -> dict[str, str]:
        rng = self._rng
        company = f"{rng.choice(COMPANIES[about])} (synthetic)"
        zip_code = f"{rng.randrange(100_000):05}"
        return {
            "Company": company if rng.randrange(3) else f"{company}, Inc.",
            "Company public response": rng.choice(_RESPONSES),
            "Company response to consumer": rng.choice(_CLOSED),
            "State": rng.choice(_STATES),
            "ZIP code": rng.choice((zip_code, zip_code, f"{zip_code[:3]}XX", "")),
            "Tags": rng.choice(_TAGS),
            "Submitted via": "Web" if has_narrative else rng.choice(("Web", "Web", "Referral", "Phone", "Postal mail")),
            "Consumer consent provided?": "Consent provided" if has_narrative else rng.choice(_REFUSED),
        }

    def _when(self, received_on: date) -> dict[str, str]:
        rng = self._rng
        # The CFPB stopped asking this question when it changed the taxonomy.
        asked = received_on < SECOND_TAXONOMY
        return {
            "Date received": received_on.isoformat(),
            "Date sent to company": (received_on + timedelta(rng.choice((0, 0, 0, 1, 5)))).isoformat(),
            "Timely response?": "No" if rng.randrange(50) == 0 else "Yes",
            "Consumer disputed?": rng.choice(("No", "No", "Yes") if asked else ("N/A", "")),
        }


def _what(category: Category, narrative: str) -> dict[str, str]:
    return {
        "Product": category.product,
        "Sub-product": category.sub_product,
        "Issue": category.issue,
        "Sub-issue": category.sub_issue,
        "Consumer complaint narrative": narrative,
    }
