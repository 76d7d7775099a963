"""The CFPB's names of products and issues: three taxonomies, by the date a complaint was received.

The names are public categories of the Consumer Complaint Database; it changed them on 2017-04-24 and in
August 2023 (https://www.consumerfinance.gov/data-research/consumer-complaints/).
"""

from datetime import date
from typing import NamedTuple


class Category(NamedTuple):
    """The product and issue that a consumer selects in the form."""

    product: str
    sub_product: str
    issue: str
    sub_issue: str


SECOND_TAXONOMY = date(2017, 4, 24)
THIRD_TAXONOMY = date(2023, 8, 24)

_REPORTS_2017 = "Credit reporting, credit repair services, or other personal consumer reports"
_REPORTS_2023 = "Credit reporting or other personal consumer reports"
_INVESTIGATION_2017 = "Problem with a credit reporting company's investigation into an existing problem"
_INVESTIGATION_2023 = "Problem with a company's investigation into an existing problem"
_WRONG, _IMPROPER = "Incorrect information on your report", "Improper use of your report"
_NOT_OWED = "Attempts to collect debt not owed"
_CREDIT_CARD = "General-purpose credit card or charge card"
_PURCHASE = "Problem with a purchase shown on your statement"
_TRANSFER = "Money transfer, virtual currency, or money service"
_DOMESTIC, _WALLET = "Domestic (US) money transfer", "Mobile or digital wallet"
_SERVICER = "Dealing with your lender or servicer"
_UNEXPECTED = "Charged fees or interest you didn't expect"

# One entry for each taxonomy, oldest first. Names that did not change share their rows.
_DEBT_2017 = (
    Category("Debt collection", "I do not know", _NOT_OWED, "Debt is not yours"),
    Category("Debt collection", "Medical debt", _NOT_OWED, "Debt was paid"),
    Category("Debt collection", "Credit card debt", "Written notification about debt", ""),
)
_MORTGAGE_2017 = (
    Category("Mortgage", "Conventional home mortgage", "Trouble during payment process", ""),
    Category("Mortgage", "FHA mortgage", "Struggling to pay mortgage", ""),
)
_BANK_2017 = (
    Category("Checking or savings account", "Checking account", "Managing an account", "Banking errors"),
    Category("Checking or savings account", "Checking account", "Closing an account", "Company closed your account"),
)
_STUDENT_2017 = (
    Category("Student loan", "Federal student loan servicing", _SERVICER, "Problem with customer service"),
    Category("Student loan", "Private student loan", "Struggling to repay your loan", ""),
)
_VEHICLE_2017 = (
    Category("Vehicle loan or lease", "Loan", "Managing the loan or lease", "Billing problem"),
    Category("Vehicle loan or lease", "Lease", "Problems at the end of the loan or lease", ""),
)
_TRANSFER_2017 = (
    Category(_TRANSFER, _DOMESTIC, "Fraud or scam", ""),
    Category(_TRANSFER, _WALLET, "Unauthorized transactions or other transaction problem", ""),
)

TAXONOMIES: dict[str, tuple[tuple[Category, ...], tuple[Category, ...], tuple[Category, ...]]] = {
    "credit_reporting": (
        (
            Category("Credit reporting", "", "Incorrect information on credit report", "Account status"),
            Category("Credit reporting", "", "Improper use of my credit report", ""),
        ),
        (
            Category(_REPORTS_2017, "Credit reporting", _WRONG, "Information belongs to someone else"),
            Category(_REPORTS_2017, "Credit reporting", _INVESTIGATION_2017, ""),
        ),
        (
            Category(_REPORTS_2023, "Credit reporting", _WRONG, "Information belongs to someone else"),
            Category(_REPORTS_2023, "Credit reporting", _IMPROPER, ""),
            Category(_REPORTS_2023, "Credit reporting", _INVESTIGATION_2023, ""),
        ),
    ),
    "debt_collection": (
        (
            Category("Debt collection", "Medical", "Cont'd attempts collect debt not owed", "Debt is not mine"),
            Category("Debt collection", "Credit card", "Cont'd attempts collect debt not owed", "Debt was paid"),
        ),
        _DEBT_2017,
        _DEBT_2017,
    ),
    "mortgage": (
        (
            Category("Mortgage", "Other mortgage", "Loan modification,collection,foreclosure", ""),
            Category("Mortgage", "Conventional fixed mortgage", "Loan servicing, payments, escrow account", ""),
        ),
        _MORTGAGE_2017,
        _MORTGAGE_2017,
    ),
    "card": (
        (
            Category("Credit card", "", "Billing disputes", ""),
            Category("Credit card", "", "Late fee", ""),
            Category("Prepaid card", "General purpose card", "Fraud or scam", ""),
        ),
        (
            Category("Credit card or prepaid card", _CREDIT_CARD, _PURCHASE, ""),
            Category("Credit card or prepaid card", "Store credit card", "Fees or interest", "Problem with fees"),
        ),
        (
            Category("Credit card", _CREDIT_CARD, _PURCHASE, ""),
            Category("Credit card", "Store credit card", "Fees or interest", "Problem with fees"),
            Category("Prepaid card", "General-purpose prepaid card", "Trouble using the card", ""),
        ),
    ),
    "bank_account": (
        (
            Category("Bank account or service", "Checking account", "Deposits and withdrawals", ""),
            Category("Bank account or service", "Savings account", "Using a debit or ATM card", ""),
        ),
        _BANK_2017,
        _BANK_2017,
    ),
    "student_loan": (
        (
            Category("Student loan", "Non-federal student loan", "Repaying your loan", ""),
            Category("Student loan", "Federal student loan servicing", _SERVICER, ""),
        ),
        _STUDENT_2017,
        _STUDENT_2017,
    ),
    "vehicle_loan": (
        (
            Category("Consumer Loan", "Vehicle loan", "Managing the loan or lease", ""),
            Category("Consumer Loan", "Vehicle lease", "Problems when you are unable to pay", ""),
        ),
        _VEHICLE_2017,
        _VEHICLE_2017,
    ),
    "money_transfer": (
        (
            Category("Money transfers", _DOMESTIC, "Other transaction issues", ""),
            Category("Virtual currency", _DOMESTIC, "Fraud or scam", ""),
        ),
        _TRANSFER_2017,
        _TRANSFER_2017,
    ),
    "payday_personal_loan": (
        (Category("Payday loan", "", "Charged fees or interest I didn't expect", ""),),
        (
            Category("Payday loan, title loan, or personal loan", "Installment loan", _UNEXPECTED, ""),
            Category("Payday loan, title loan, or personal loan", "Payday loan", _UNEXPECTED, ""),
        ),
        (
            Category("Payday loan, title loan, personal loan, or advance loan", "Installment loan", _UNEXPECTED, ""),
            Category("Debt or credit management", "Debt settlement", "Didn't provide services promised", ""),
        ),
    ),
}

# A product that the CFPB retired without a successor, and one that it never had: neither belongs to a class.
UNMAPPED = (
    Category("Other financial service", "Check cashing", "Customer service/Customer relations", ""),
    Category("Imaginary product (synthetic)", "", "Issue without a class", ""),
)


def categories(label: str, received_on: date) -> tuple[Category, ...]:
    """The categories of the class that a consumer could select on that day."""
    taxonomy = (received_on >= SECOND_TAXONOMY) + (received_on >= THIRD_TAXONOMY)
    return TAXONOMIES[label][taxonomy]
