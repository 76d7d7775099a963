"""The application behind `plugins/complaints_pages.py`: routes, and who may use them."""
