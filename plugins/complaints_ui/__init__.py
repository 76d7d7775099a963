"""The code behind the plugins `complaints_pages.py` (routes, and who may use them) and `run_notes.py`."""
