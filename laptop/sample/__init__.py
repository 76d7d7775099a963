"""The synthetic sample: generated complaints in the exact schema of the CFPB's export.

files             writes the sample's files; the entry point is `write_sample`
rows              complaints as rows: every column, with the distributions of the real database
narratives        the text of a complaint
taxonomy          the CFPB's products and issues, by date
texts             phrases for any product, and invented names
texts_accounts    phrases about credit reports, debts, cards, accounts and transfers
texts_loans       phrases about loans
"""

from laptop.sample.files import Sample, write_sample

__all__ = ["Sample", "write_sample"]
