"""What Spark's Python workers need not do again around each task that they run."""

from __future__ import annotations

import gc
import sys


def settled() -> None:
    """Lets this worker begin and end its next tasks sooner; to be called once all modules are imported.

    PySpark calls `importlib.invalidate_caches` before each task, which reads the table of each archive on `sys.path`
    again, of Spark's own jar, too, where no Python module is; and `gc.collect` behind it, which looks at every object
    that the modules have made.
    """
    jars = {path for path in sys.path if path.endswith(".jar")}
    sys.path[:] = [path for path in sys.path if path not in jars]
    for jar in jars:
        sys.path_importer_cache.pop(jar, None)
    if not gc.get_freeze_count():
        gc.freeze()
