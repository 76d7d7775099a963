"""Phrases of the synthetic sample for any product: openings, filler, closings, values and invented names.

Everything was written for this file. It has no text of a real complaint.
"""

from laptop.sample.texts_accounts import ACCOUNT_PHRASES
from laptop.sample.texts_loans import LOAN_PHRASES


def _lines(block: str) -> tuple[str, ...]:
    return tuple(block.strip().splitlines())


PHRASES = {label: _lines(block) for label, block in {**ACCOUNT_PHRASES, **LOAN_PHRASES}.items()}

OPENINGS = _lines("""
I am writing to [file a complaint|complain] about <company>.
To whom it may concern,
This is my [second|third] complaint about the same [problem|issue|matter].
I have been a [customer|client] of <company> since <year>.
On <date> I [contacted|called|wrote to] <company>.
Hello, I need help with <company>.
[Good morning|Dear Sir or Madam], I hope that you can help me.
I do not usually complain, but this has gone too far.
""")

FILLER = _lines("""
I called customer service <count> times and [was put on hold|was hung up on|got a different answer each time].
I spoke with <person>, who said that [it would be fixed soon|nothing can be done|someone would call].
No one has called me back.
I have [copies|records|screenshots] of everything and can send them.
This has caused me a lot of [stress|sleepless nights|trouble|embarrassment].
I asked to speak with a [supervisor|manager] and was [refused|transferred|disconnected].
They sent me a form letter that does not answer my [question|complaint|dispute].
I waited <days> and nothing happened.
I am a [single parent|veteran|senior|student] and cannot afford this.
They told me, and I quote, "there is nothing we can do for you".
I mailed a certified letter on <date>, and I have the receipt.
The amount in question is <amount>.
I believe that this is [unfair|deceptive|against the law|a violation of my rights].
The website shows one thing, the letter shows another, and the phone agent says a third.
I uploaded the documents on <date>, then again on <date>.
<person> apologized and promised a credit of <amount>, which I never saw.
My account number is XXXX and the reference is XXXX.
I have always paid my [bills|obligations] on time.
The employee was [rude|polite but useless|in a hurry].
They said that [the system|the computer|the back office] made the mistake.
I received an email on <date> which says that the case is closed.
It has been <days> since my first call.
I was visiting family in San José, where I met a lawyer in a café, and he told me to write to you.
A hotel there charged 85 € and that was easier to solve than this.
I lost a day of work over this.
They keep [ignoring|avoiding|delaying] me.
I do not understand why a company of this size cannot [answer a letter|fix an error|read its own records].
All my payments were made; the proof is attached.
The letter was dated <date>, but it arrived <days> later.
I was told one thing by <person> and the opposite by <person>.
""")

CLOSINGS = _lines("""
Please help me [resolve this|get this fixed|with this matter].
I want my money back and an apology.
I look forward to your reply.
Thank you for your time, XXXX XXXX
I would like this to be [corrected|investigated|resolved] as soon as possible.
I expect an answer within <days>.
Thank you.
""")

# Too short or too vague to tell the product: an upper bound for any classifier.
VAGUE = _lines("""
Please help me with this company.
They have my money and do not answer.
I was [lied to|misled|ignored] by <company> and I want it fixed.
Fees of <amount>, no explanation, no answer.
See the attached documents, please.
I did not agree to this and <company> will not listen.
The information that <company> has is wrong.
Somebody used my name and my information, it was not me.
I never signed anything with <company>.
The balance is wrong again, I paid <amount> on <date>.
<company> took <amount> and will not give it back.
Same complaint as before, still not resolved after <days>.
""")

COMPANIES = {
    "credit_reporting": ("Sample Credit Bureau", "Example Reports", "Specimen Data Services"),
    "debt_collection": ("Example Recovery Group", "Sample Collections", "Placeholder Receivables"),
    "mortgage": ("Example Home Lending", "Sample Mortgage Servicing", "Example Bank"),
    "card": ("Example Card Services", "Sample Bank", "Example Bank"),
    "bank_account": ("Example Bank", "Sample Bank", "Specimen Credit Union"),
    "student_loan": ("Sample Student Servicing", "Example Education Loans"),
    "vehicle_loan": ("Example Auto Finance", "Sample Motor Credit"),
    "money_transfer": ("Sample Remittance", "Example Wallet", "Placeholder Coin Exchange"),
    "payday_personal_loan": ("Example Cash Advance", "Sample Installment Lending"),
}

SLOTS = {
    "company": ("XXXX", "XXXX XXXX", "the company", "this company", "Example Bank", "Sample Financial"),
    "person": ("a representative", "the agent", "a supervisor", "XXXX", "a lady named XXXX", "the manager"),
    "date": ("XX/XX/XXXX", "XX/XX/2019", "XX/XX/2023", "XX/XX/2025", "XXXX XXXX", "the XXXX of last month"),
    "days": (
        "three days",
        "10 days",
        "two weeks",
        "30 days",
        "45 days",
        "six weeks",
        "three months",
        "a year",
    ),
    "count": ("two", "3", "four", "five", "7", "a dozen", "12", "20", "30"),
    "year": ("2009", "2011", "2014", "2016", "2018", "2020", "2021", "2022", "2024"),
}
