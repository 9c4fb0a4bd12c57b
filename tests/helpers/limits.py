"""Processes that may not write as much as they want."""

import resource


def limit_files() -> None:
    """No file may become larger: what a full disk looks like."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
