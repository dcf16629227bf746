"""A file system of its own for a cache: ext4 with a journal, in an image, for one question."""

import os
import subprocess

from .proc import BenchError

SIZE = 6 << 30  # sparse


class JournaledDisk:
    """Mounted while it is entered. Needs root, mkfs.ext4 and a free loop device."""

    def __init__(self, folder):
        self.image = os.path.join(folder, "journal.img")
        self.path = os.path.join(folder, "journal")

    def __enter__(self):
        with open(self.image, "wb") as image:
            image.truncate(SIZE)
        os.makedirs(self.path, exist_ok=True)
        self._run("mkfs.ext4", "-q", "-F", "-O", "has_journal", self.image)
        self._run("mount", "-o", "loop", self.image, self.path)
        return self

    def __exit__(self, *_):
        if os.path.ismount(self.path):
            self._run("umount", self.path)
        os.unlink(self.image)

    @staticmethod
    def _run(*command):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except OSError as error:
            raise BenchError(f"{command[0]}: {error}") from None
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)}: {done.stderr.strip()}")
