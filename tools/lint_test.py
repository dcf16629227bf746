#!/usr/bin/env python3
"""What lint.py chooses to lint, and the commands it makes of the build's."""

import contextlib
import io
import json
import pathlib
import re
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

    def test_what_was_found_clean_is_known_until_something_it_reads_changes(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "x.h").write_text("inline int x() { return 1; }\n")
            source = root / "x.cpp"
            source.write_text('#include "x.h"\nint y() { return x(); }\n')
            (root / ".clang-tidy").write_text("Checks: '-*,bugprone-*'\nWarningsAsErrors: '*'\n")
            entry = {"directory": folder, "file": str(source),
                     "command": f"clang++-19 -o x.o -c {source}"}
            (root / "build").mkdir()
            (root / "build" / "compile_commands.json").write_text(json.dumps([entry]))

            def found():
                """What a run finds, and how many sources it knew to be clean."""
                lint.judge.cache_clear()
                lint.commands.cache_clear()
                out = io.StringIO()
                with contextlib.redirect_stdout(out), \
                        mock.patch("sys.argv", ["lint.py", "--all", "--build", "build"]):
                    code = lint.main()
                return code, int(re.search(r"(\d+) known", out.getvalue())[1])

            with mock.patch.object(lint, "ROOT", root), \
                    mock.patch.object(lint, "KEPT", root / "kept"):
                self.assertEqual(found(), (0, 0))
                self.assertEqual(found(), (0, 1))
                (root / "x.h").write_text("inline int x() { return 2; }\n")
                self.assertEqual(found(), (0, 0))
                source.write_text("int y(int n) { return sizeof(sizeof(n)); }\n")
                self.assertEqual(found()[0], 1)
                self.assertEqual(found(), (1, 0))
                rules = root / ".clang-tidy"
                rules.write_text("Checks: '-*,performance-*'\nWarningsAsErrors: '*'\n")
                self.assertEqual(found(), (0, 0))

    def test_what_the_build_joins_is_linted_as_one_and_once(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            build = root / "build" / "release"
            for target in ["a", "b"]:
                unity = build / f"{target}.dir" / "Unity" / "unity_0_cxx.cxx"
                unity.parent.mkdir(parents=True)
                unity.write_text(f'/* generated */\n#include "{root}/src/x.cpp"\n\n'
                                 f'#include "{root}/src/y.cpp"\n')
            names = [build / "a.dir/Unity/unity_0_cxx.cxx", build / "b.dir/Unity/unity_0_cxx.cxx",
                     root / "src/main.cpp", root / "src/main.cpp", build / "link/a.cpp"]
            (build / "compile_commands.json").write_text(
                json.dumps([{"file": str(name)} for name in names]))
            with mock.patch.object(lint, "ROOT", root):
                self.assertEqual(lint.steps(build),
                                 {names[0]: [root / "src/x.cpp", root / "src/y.cpp"],
                                  names[2]: [root / "src/main.cpp"]})


if __name__ == "__main__":
    unittest.main()
