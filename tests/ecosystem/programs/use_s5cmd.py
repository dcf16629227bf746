"""`--endpoint-url` or S3_ENDPOINT_URL."""

import os

from place import body, tree

CLIENT = "s5cmd"
VERSION = ["s5cmd", "version"]
FAST = True
FILES = {f"d{i % 3}/f{i:02d}.bin": body(1000 + i, i) for i in range(24)}


def _s5cmd(place, *argv, **options):
    return place.run("s5cmd", "--endpoint-url", place.endpoint, "--retry-count", "0", *argv,
                     **options)


def copies_a_folder_there_and_back(place):
    """`cp` of a folder up and, by a wildcard, down; `ls`, `du` and `head` tell what is there."""
    top = place.folder("up", FILES)
    _s5cmd(place, "cp", f"{top}/", place.url("cp/"))
    assert place.keys("cp/") == [f"cp/{p}" for p in sorted(FILES)]
    _s5cmd(place, "cp", place.url("cp/*"), "down/")
    assert tree(place.work / "down") == FILES
    total = sum(map(len, FILES.values()))
    assert _s5cmd(place, "du", place.url("cp/*")).startswith(f"{total} bytes in 24 objects")
    assert _s5cmd(place, "ls", place.url("cp/d1/*")).count(".bin") == 8
    assert '"etag"' in _s5cmd(place, "head", place.url("cp/d0/f00.bin"))


def large_file_by_parts(place):
    """A file of 23 MiB goes up and down in parts of 5 MiB; `cat` pipes it."""
    whole = body(23 << 20)
    (place.work / "large").write_bytes(whole)
    _s5cmd(place, "cp", "-p", "5", "-c", "3", "large", place.url("large"))
    assert place.head("large")["ETag"].endswith('-5"')
    _s5cmd(place, "cp", "-p", "5", "-c", "3", place.url("large"), "large.down")
    assert (place.work / "large.down").read_bytes() == whole == place.read("large")
    assert place.uploads() == []


def moves_and_removes_by_wildcard(place):
    """`mv` within the bucket leaves nothing behind; `rm` by wildcard with an exclusion."""
    top = place.folder("mv", FILES)
    _s5cmd(place, "cp", f"{top}/", place.url("from/"))
    _s5cmd(place, "mv", place.url("from/d0/*"), place.url("to/"))
    assert place.keys("to/") == [f"to/{p[3:]}" for p in sorted(FILES) if p[:2] == "d0"]
    assert place.read("to/f00.bin") == FILES["d0/f00.bin"]
    assert place.keys("from/d0/") == []
    _s5cmd(place, "rm", "--exclude", "*f01*", place.url("from/*"))
    assert place.keys("from/") == ["from/d1/f01.bin"]


def syncs_changes_and_deletions(place):
    """`sync --delete` uploads what changed, leaves what did not and removes what is gone."""
    top = place.folder("sync", FILES)
    for path in FILES:  # it compares times, and some origins tell whole seconds
        os.utime(top / path, (1_700_000_000, 1_700_000_000))
    _s5cmd(place, "sync", "--delete", f"{top}/", place.url("sync/"))
    before = place.head("sync/d1/f01.bin")["LastModified"]
    (top / "d0/f00.bin").write_bytes(b"changed")
    (top / "d2/f02.bin").unlink()
    said = _s5cmd(place, "sync", "--delete", f"{top}/", place.url("sync/"))
    assert len(said.splitlines()) == 2, said
    assert place.read("sync/d0/f00.bin") == b"changed"
    assert "sync/d2/f02.bin" not in place.keys("sync/")
    assert place.head("sync/d1/f01.bin")["LastModified"] == before
    _s5cmd(place, "sync", place.url("sync/*"), "back/")
    assert tree(place.work / "back") == tree(top)


def writes_from_a_pipe(place):
    """`pipe` uploads what it is fed, `cat` gives it back; a key that is not there is an error."""
    place.run("sh", "-c", f"seq 1 200000 | s5cmd --endpoint-url {place.endpoint} pipe "
              f"{place.url('piped')}")
    said = _s5cmd(place, "cat", place.url("piped"))
    assert said == "".join(f"{i}\n" for i in range(1, 200001))
    assert place.read("piped").decode() == said
    _s5cmd(place, "cat", place.url("nothing"), code=1)
