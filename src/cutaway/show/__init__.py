"""Pictures: figures drawn, the report of a run (`report.py`), the page of `look`, the book."""
