"""`python -m localaws.glue`: makes the archive of class data that Spark's JVM starts from, unless it is there."""

import sys

from localaws.glue.class_data import ArchiveError, make


def main() -> int:
    """Makes it; where that fails, says why, and that jobs run without."""
    try:
        make()
    except ArchiveError as error:
        print(f"no archive of class data, so Spark jobs start more slowly: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
