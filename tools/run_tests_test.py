#!/usr/bin/env python3
"""What ./test names at its end, from what pytest and gtest print."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import run_tests  # noqa: E402

PRINTED = """\
..F..                                                                    [100%]
FAILED tests/clients/test_a.py::test_one[x-1] - AssertionError: 1
ERROR tests/clients/test_b.py::test_two
[  FAILED  ] Room.fails (19 ms)
[  SKIPPED ] Room.skips (0 ms)
[  FAILED  ] 2 tests, listed below:
[  FAILED  ] Room.fails
[  FAILED  ] seeds/World.fails/3, where GetParam() = 3
"""


class NamesTest(unittest.TestCase):
    def test_each_failure_once(self):
        self.assertEqual(run_tests.failed_tests(PRINTED.splitlines()), [
            "tests/clients/test_a.py::test_one[x-1] - AssertionError: 1",
            "tests/clients/test_b.py::test_two", "Room.fails", "Room.skips", "seeds/World.fails/3"])


if __name__ == "__main__":
    unittest.main()
