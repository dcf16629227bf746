#!/usr/bin/env python3
"""Breaks each rule of tidy.py and layers.py once in a small repository and wants to be told."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import layers  # noqa: E402
import tidy  # noqa: E402

HEADER = "// What it is and why it exists.\n#pragma once\n"
GOOD = {
    "CMakeLists.txt": "forebay_room(base)\nforebay_room(io DEPENDS base)\n"
                      "forebay_room(node DEPENDS io)\nforebay_room(testkit)\n",
    "src/LAYERS": "# the law\nbase:\nio: base\nnode: *\ntestkit: base io\n",
    "src/base/README.md": "# base\n",
    "src/base/a.h": HEADER + "int a();\n",
    "src/base/a.cpp": '#include "base/a.h"\nint a() { return 1; }\n',
    "src/base/a_test.cpp": '#include "base/a.h"\n#include "testkit/help.h"\n' + "// test\n" * 9,
    "src/io/README.md": "# io\n",
    "src/io/engine.h": HEADER + '#include "base/a.h"\n',
    "src/io/io_test.cpp": '#include "io/engine.h"\n' + "// test\n" * 9,
    "src/node/README.md": "# node\n",
    "src/node/main.cpp": '#include "io/engine.h"\n',
    "src/testkit/README.md": "# testkit\n",
    "src/testkit/help.h": HEADER + '#include "io/engine.h"\n',
}


class Repository:
    """A directory under git with the files of GOOD, changed by `files`."""

    def __init__(self, files):
        self.directory = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.directory.name).resolve()
        for name, text in (GOOD | files).items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                path.write_text(text)
        subprocess.run(["git", "init", "-q"], cwd=self.root, check=True)

    def breaches(self):
        ratchets = dict(tidy.RATCHETS)
        tidy.RATCHETS.update(dict.fromkeys(ratchets, 0))
        try:
            return "\n".join(tidy.check(self.root)[0])
        finally:
            tidy.RATCHETS.update(ratchets)
            self.directory.cleanup()


# file, its text, what the report must contain
CASES = [
    ("src/base/b.h", HEADER + '#include "io/engine.h"\n', "src/base/b.h:3: room base may not"),
    ("src/base/b.h", HEADER + '#include "testkit/help.h"\n', "may not include testkit"),
    ("src/node/n.cpp", '#include "testkit/help.h"\n', "may not include testkit"),
    ("src/base/b.h", HEADER + '#include "base/none.h"\n', "does not exist"),
    ("src/base/b.h", HEADER + '#include "a.h"\n', "names no room"),
    ("src/base/b.h", HEADER + '#include "base/help_test.h"\n', "only tests may include"),
    ("src/stray/b.h", HEADER, "in no room"),
    ("src/LAYERS", "base: io\nio: base\nnode: *\ntestkit: base io\n", "src/LAYERS:1: base may not"),
    ("src/LAYERS", "base\n", "not 'room: rooms'"),
    ("src/base/b.h", "#pragma once\n", "begins with a paragraph"),
    ("src/base/b.h", "// What it is.\n\nint b();\n#pragma once\n", "#pragma once follows"),
    ("src/base/b.h", HEADER + "\n" * 300, "at most 300"),
    ("src/base/b.h", HEADER + "// " + "x" * 98 + "\n", "101 columns"),
    ("src/base/b.cpp", "\n" * 801, "at most 800"),
    ("docs/x.md", "\n" * 801, "at most 800"),
    ("src/base/b.cpp", "// FIX" + "ME later\n", "no reminders"),
    ("docs/x.md", "see /work" + "/main/x\n", "path of one machine"),
    ("src/base/b.cpp", "auto t = std::chrono::steady_clock::now();\n", "clock of the context"),
    ("src/base/b.cpp", "std::random_device d;\n", "randomness"),
    ("src/base/b.cpp", "int r = rand();\n", "randomness"),
    ("src/base/b.cpp", "auto t = time(nullptr);\n", "wall_now"),
    ("src/base/b.cpp", "std::thread t;\n", "threads belong to io"),
    ("src/base/b.cpp", 'auto v = std::getenv("X");\n', "environment"),
    ("src/base/b_test.cpp", "void f() { usleep(5); }\n" * 9, "io's timers"),
    ("src/base/b.cpp", "#include <unistd.h>\n", "belongs to io"),
    ("src/http/b.cpp", "#include <rocksdb/db.h>\n", "fenced into base, disk, meta"),
    ("src/base/b.cpp", "".join('#include "base/a.h"\n' for _ in range(21)), "21 own includes"),
    ("src/base/b.cpp", "int f() {\n" + "  a();\n" * 69 + "}\n", "a function of 71 lines"),
    ("tools/b.py", "def f():\n" + "    a()\n" * 70, "a function of 71 lines"),
    ("src/base/README.md", "\n" * 21, "at most 20"),
    ("src/base/README.md", None, "src/base/README.md:1: missing"),
    ("src/base/b.cpp", "\n" * 60, "test lines for"),
    ("tests/b_test.cpp", "", "in no room"),
]


class TidyTest(unittest.TestCase):
    def test_a_good_repository_is_good(self):
        self.assertEqual(Repository({}).breaches(), "")

    def test_every_rule_bites(self):
        for name, text, expected in CASES:
            with self.subTest(f"{name}: {expected}"):
                if text is None:
                    repository = Repository({})
                    (repository.root / name).unlink()
                else:
                    repository = Repository({name: text})
                self.assertIn(expected, repository.breaches())

    def test_words_in_comments_and_texts_are_free(self):
        code = '// std::thread, rand()\nconst char* s = "steady_clock::now() getenv";\n'
        self.assertEqual(Repository({"src/base/b.cpp": code}).breaches(), "")

    def test_a_function_of_seventy_lines_and_a_line_of_a_hundred_are_good(self):
        code = "int f() {\n" + "  a();\n" * 68 + "}\n// " + "x" * 97 + "\n"
        tests = "// test\n" * 90
        files = {"src/base/b.cpp": code, "src/base/b_test.cpp": tests}
        self.assertEqual(Repository(files).breaches(), "")

    def test_ratchets_say_when_they_can_be_tightened(self):
        repository = Repository({})
        tidy.RATCHETS["line over 100 columns"] += 1
        try:
            notes = "\n".join(tidy.check(repository.root)[1])
            self.assertIn("RATCHETS['line over 100 columns']", notes)
        finally:
            tidy.RATCHETS["line over 100 columns"] -= 1
            repository.directory.cleanup()

    def test_tests_may_include_what_testkit_may(self):
        law = {"base": set(), "io": {"base"}, "testkit": {"base", "io"}}
        self.assertIsNone(layers.may_include(law, "base", "io/engine.h", True))
        self.assertIsNotNone(layers.may_include(law, "base", "io/engine.h", False))


if __name__ == "__main__":
    unittest.main()
