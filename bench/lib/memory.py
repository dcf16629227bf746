"""Memory: warm pages for rounds that need new ones, and what a server's sockets hold."""

import mmap
import re
import subprocess

PAGE = 4096


def mib(count):
    return f"{count / (1 << 20):.1f} MiB"


def warm_pages(size):
    """Makes the next `size` bytes of new pages cheap.

    In a virtual machine with free-page reporting the host takes free memory back after about two
    seconds; the first touch of each such page then costs 5-10 us of system time, billed to
    whoever fills a cache. It made rounds of the same cold miss differ fivefold. Memory touched
    and given back just before is still there, and the allocator takes it first.
    """
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as area:
        area.madvise(mmap.MADV_HUGEPAGE)
        for offset in range(0, size, PAGE):
            area[offset] = 1


def anonymous_rss(process):
    """RssAnon of a server and its children, in bytes."""
    total = 0
    for pid in process.pids():
        try:
            with open(f"/proc/{pid}/status") as status:
                for line in status:
                    if line.startswith("RssAnon:"):
                        total += 1024 * int(line.split()[1])
        except OSError:
            pass  # it ended
    return total


def socket_memory(port, origin_port):
    """What the kernel charges to the TCP sockets of one daemon, in bytes, and how many there are.

    Its sockets are those with the daemon's own port as source (accepted) and those with the
    origin's port as destination (its connections upstream). The readers' and the origin's ends
    of the same connections, on this same machine, are left out. Of `skmem` count: r, received
    and unread; w, the send queue, pages of files included; f, reserved in advance; o, options;
    bl, the backlog. t is a part of w; rb and tb are limits, not use.
    """
    where = f"( sport = :{port} or dport = :{origin_port} )"
    text = subprocess.run(["ss", "-Htmn", where], capture_output=True, text=True, timeout=60,
                          check=True).stdout
    total = count = 0
    for skmem in re.findall(r"skmem:\(([^)]*)\)", text):
        fields = {name: int(value) for name, value in re.findall(r"([a-z]+)(\d+)", skmem)}
        total += sum(fields.get(name, 0) for name in ("r", "w", "f", "o", "bl"))
        count += 1
    return total, count
