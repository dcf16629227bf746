#!/usr/bin/env python3
"""What lint.py chooses to lint, and the commands it makes of the build's."""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lint  # noqa: E402


class Lint(unittest.TestCase):
    def test_a_header_is_linted_through_its_smallest_near_user(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            texts = {"src/a/x.h": "", "src/a/x.cpp": '#include "a/x.h"\nint x();\n',
                     "src/a/y.cpp": '#include "a/x.h"\n', "src/b/z.cpp": '#include "a/x.h"',
                     "src/a/other.cpp": "", "src/b/only.h": "",
                     "src/b/w.cpp": '#include "b/only.h"'}
            for name, text in texts.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            sources = {root / name for name in texts if name.endswith(".cpp")}

            def chosen(*names):
                files = [root / name for name in names]
                return [str(p.relative_to(root)) for p in lint.sources_for(files, sources)]

            with mock.patch.object(lint, "ROOT", root):
                self.assertEqual(chosen("src/a/x.h"), ["src/a/y.cpp"])
                self.assertEqual(chosen("src/a/x.h", "src/a/x.cpp"), ["src/a/x.cpp"])
                self.assertEqual(chosen("src/b/only.h", "src/b/nowhere.cpp"), ["src/b/w.cpp"])


if __name__ == "__main__":
    unittest.main()
