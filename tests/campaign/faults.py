"""The faults that the campaign injects, and the decorator by which a test declares which of them it injects."""

from __future__ import annotations

from enum import Enum

import pytest


class Fault(Enum):
    """One thing that goes wrong, in the order of docs/faults.md: input, execution, model, publication."""

    NOT_AN_INPUT = "Objects that hold no complaints lie beside the files that do"
    OBJECT_CHANGED = "An input is overwritten or deleted after the run was planned"
    BOMB = "A small archive expands to gigabytes"
    DAMAGED_ARCHIVE = "A compressed file is damaged, misnamed, or holds more than one CSV file"
    ENCODING = "A file is not UTF-8, or begins with a byte order mark"
    SPREADSHEET = "A spreadsheet saved the file again"
    PREAMBLE = "Lines stand before the header, or there is no header"
    COLUMNS = "Columns are reordered, renamed, repeated or missing"
    LAYOUT = "The publisher adds or drops columns"
    UNCLOSED_QUOTE = "A quote is never closed"
    HIDDEN_ROWS = "Bad rows stand behind an over-long line or an unclosed quote"
    FORGED_ROWS = "A narrative holds lines that look like rows of the file"
    FOREIGN_FORMAT = "A file is in another format, or its columns have another separator"
    CUT_FILE = "A file is cut in the middle of a record"
    HUGE_RECORD = "A field, a line or a record is far larger than its limit"
    CONTROL_CHARACTERS = "A field holds NUL or other control characters"
    FIELD_COUNT = "A row has too many or too few fields"
    MULTILINE = "A narrative has several lines"
    MANY_BAD_ROWS = "Many rows cannot be read"
    NO_NARRATIVE = "Every narrative is empty"
    REPEATED_ID = "A complaint is published twice with different contents"
    UNKNOWN_PRODUCT = "A product belongs to no class, or to the taxonomy of another year"
    FORMULA = "A narrative begins like a spreadsheet formula"
    MARKUP = "A narrative holds HTML, JavaScript or a template"
    PERSONAL_DATA = "The publisher overlooked personal data"
    PAYLOAD = "A record is larger than the payload of a batch transform"
    STUBS = "A narrative is very short or in another language"
    DATES = "A date is impossible, or contradicts another date"
    COLLAPSED_SOURCE = "A source yields a fraction of the rows of its last run"
    DOWNLOAD_BROKEN = "A download breaks off or stalls, or its job dies"
    DOWNLOAD_CHANGED = "The export changes while it is downloaded"
    SERVER_BUSY = "The web server is busy, refuses, or redirects to another place"
    SERVER_UNSOUND = "The web server breaks the rules of HTTP, or is not the one that it should be"
    INGESTIONS_RACE = "Two ingestions run at the same time, or one is cut off while it publishes"
    HOSTILE_SOURCE = "The parameters of a run hold templates, commands or foreign paths"
    OTHER_DATE = "A run has the date of a clock change, or of another year"
    ANY_DEATH = "A worker, a job, its Spark or a thread of AWS dies at any moment"
    WORKER_KILLED = "An Airflow worker is killed while its Glue job runs"
    ETL_KILLED = "The preparation is killed half way"
    ETL_REPEATED = "The preparation is run again after its success"
    S3_UNRELIABLE = "S3 asks to slow down, or the connection breaks"
    S3_DENIED = "S3 denies access"
    OTHER_USER = "Another user of the machine reads the state or calls local AWS"
    NAME_TAKEN = "A job with the planned name exists already"
    PARTIAL_TRANSFORM = "A batch transform fails after it wrote some outputs"
    DIRECTORY_MARKER = "A directory marker lies below the prefix that a job reads"
    SCORES_INCOMPLETE = "Scores are missing, repeated or in another order"
    SCORES_INVALID = "A score is NaN, names an unknown class, or does not add up to 1"
    MODEL_CHANGED = "A model archive is truncated, or is not the one that was evaluated"
    MODEL_PATHS = "A model archive holds paths that lead out of its folder"
    MODEL_CODE = "A model archive holds a pickle that runs code"
    PROMOTIONS_RACE = "Two versions are promoted at the same time"
    PROMOTION_CUT_OFF = "A training or a promotion dies between a version, the pointer and its history"
    POINTER_BROKEN = "The pointer to the model in service is unreadable, or names a version that is not there"
    MODEL_ROLLED_BACK = "The model in service turns out to be bad and is rolled back"
    MODEL_VERSION = "A model was trained by another version of scikit-learn"


def injects(*faults: Fault) -> pytest.MarkDecorator:
    """The mark of a test that injects these faults; docs/faults.md lists it under each of them."""
    return pytest.mark.injects(*faults)
