"""What is run against what, and what came of it."""

import os

FULL = os.environ.get("FOREBAY_FULL") == "1"
# (kind of bucket, scheme); the first two alone where not all is asked for.
TARGETS = [("dir", "http"), ("native", "https"), ("native", "http"), ("seaweedfs", "https"),
           ("dir", "https"), ("seaweedfs", "http")][: 6 if FULL else 2]
RESULTS = {}  # {program.case: {"of": client and version, "on": {target: passed}}}
