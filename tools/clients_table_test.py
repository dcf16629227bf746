#!/usr/bin/env python3
"""The committed docs/clients.md names every case there is, and no other; and how one is made."""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import clients_table  # noqa: E402


class Committed(unittest.TestCase):
    """docs/clients.md as it stands."""

    def test_names_every_case_and_no_other(self):
        text = clients_table.TABLE.read_text()
        yes = {f"{n}.{c}": {"of": {}, "on": {}} for n, _, _, cases in clients_table.programs()
               for c, _ in cases}
        # Without versions and outcomes, which are the run's, it is what would be made now.
        bare = lambda page: re.sub(r"^\| ([^|]*) \| [^|]* \| (.*?)( \| [^|]*){4} \|$",
                                   r"| \1 | \2 |", page, flags=re.M)
        self.assertEqual(bare(text), bare(clients_table.render(yes, clients_table.programs())))

    def test_every_case_says_what_it_does(self):
        for name, client, said, cases in clients_table.programs():
            self.assertTrue(client and said and cases, name)
            for case, does in cases:
                self.assertTrue(does.endswith("."), f"{name}.{case}")


class Made(unittest.TestCase):
    """What a page says of results."""

    FOUND = [("use_a", "A", "How.", [("one", "Does one."), ("two", "Does two.")])]

    def test_a_column_is_the_least_of_its_kinds(self):
        on = {"dir-http": True, "seaweedfs-http": False, "dir-https": True, "native-http": True}
        page = clients_table.render(
            {"use_a.one": {"of": {"version": "1.2"}, "on": on}}, self.FOUND)
        self.assertIn("| A | 1.2 | Does one. | no (seaweedfs) | dir | yes | - |", page)
        self.assertIn("|  |  | Does two. | - | - | - | - |", page)
        self.assertIn("| A | How. |", page)


if __name__ == "__main__":
    unittest.main()
