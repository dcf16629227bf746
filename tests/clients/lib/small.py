"""File systems of a few MiB that can fill up, become read-only or die, in a namespace of their
own: nothing of the machine changes.
"""

import contextlib
import fcntl
import os
import struct
import subprocess
from pathlib import Path

from . import proc

# FS_IOC_SHUTDOWN (linux/fs.h) and its flag "without the journal".
_SHUTDOWN, _WITHOUT_JOURNAL = 0x8004587D, 2


class Small:
    """A file system below `place`, which only processes begun with `enter` see; `outside` is where
    others find it.
    """

    def __init__(self, keeper, place, user=True, image=None):
        self.enter = ["nsenter", "-t", str(keeper.pid), "--mount"]
        if user:
            self.enter += ["--user", "--preserve-credentials"]
        self.image = image
        self.place = place
        self.outside = Path(f"/proc/{keeper.pid}/root{place}")

    def fill(self, leave=0):
        """Writes a file of others' until no more than `leave` bytes are free."""
        with contextlib.suppress(OSError), open(self.outside / "others", "ab") as others:
            while self.free() > leave:
                others.write(bytes(min(65536, max(4096, self.free() - leave))))
                others.flush()

    def free(self):
        """Bytes that are free."""
        found = os.statvfs(self.outside)
        return found.f_bavail * found.f_frsize

    def empty(self):
        """Removes that file."""
        (self.outside / "others").unlink()

    def become_read_only(self):
        """Reads go on, writes are EROFS: as ext4 does once it has found an error."""
        proc.run([*self.enter, "mount", "-o", "remount,abort", str(self.place)])

    def die(self):
        """Every call is EIO. What was not synced is gone."""
        folder = os.open(self.outside, os.O_RDONLY)
        fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _WITHOUT_JOURNAL))
        os.close(folder)

    def mend(self):
        """Takes it away and brings it back sound; nobody may have it open."""
        proc.run([*self.enter, "umount", str(self.place)])
        proc.run(["fsck.ext4", "-p", str(self.image)], check=False)
        proc.run([*self.enter, "mount", "-o", "loop", str(self.image), str(self.place)])


@contextlib.contextmanager
def _kept(command, place, **how):
    """A Small for as long as the shell that has mounted it runs."""
    place.mkdir(exist_ok=True)
    command = [*command, "sh", "-c", f"{how.pop('mount')} && echo up && exec sleep 600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
        try:
            assert keeper.stdout.readline() == "up\n"
            yield Small(keeper, place, **how)
        finally:
            keeper.kill()


def tmpfs(place, size="24m"):
    """A Small in memory."""
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    return _kept(command, place, mount=f"mount -t tmpfs -o size={size},mode=0777 tmpfs {place}")


def ext4(place, size="64m"):
    """A Small in a file beside `place`, which can break. Needs root."""
    image = place.with_suffix(".ext4")
    proc.run(["truncate", "-s", size, str(image)])
    proc.run(["mkfs.ext4", "-q", "-F", str(image)])
    mount = f"mount -o loop {image} {place}"
    return _kept(["unshare", "--mount"], place, mount=mount, user=False, image=image)
