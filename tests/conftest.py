"""Makes the harness importable and gives every test the same way to reach a server under test."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "clients"))

# With FOREBAY_TEST_ENDPOINT=radosgw|seaweedfs the S3-level tests run against that server without
# Forebay.
# It checks the harness itself; tests marked `daemon` are then not collected, rather than counted
# as skipped.
DIRECT = os.environ.get("FOREBAY_TEST_ENDPOINT", "")


def pytest_configure(config):
    """Declares the one marker."""
    config.addinivalue_line("markers", "daemon: needs a Forebay process; left out in direct mode")


def pytest_collection_modifyitems(config, items):
    """Leaves out what direct mode cannot show."""
    if not DIRECT:
        return
    out = [i for i in items if i.get_closest_marker("daemon")]
    config.hook.pytest_deselected(items=out)
    items[:] = [i for i in items if i not in out]
