"""`provider = Other`, `force_path_style = true`, and an authority by `--ca-cert`: its version 1.60
does not start where AWS_CA_BUNDLE is set.
"""

import os
import time

from place import body, tree

CLIENT = "rclone"
VERSION = ["rclone", "version"]
FAST = True
FILES = {f"d{i % 3}/f{i:02d}.bin": body(500 + i, i) for i in range(18)} | {"ü b+c": b"odd"}


def _rclone(place, *argv, **options):
    (place.work / "rclone.conf").write_text(
        "[t]\ntype = s3\nprovider = Other\nforce_path_style = true\nenv_auth = true\n"
        f"endpoint = {place.endpoint}\nregion = {place.region}\nlist_chunk = 10\n")
    extra = ["--ca-cert", place.ca] if place.ca else []
    return place.run("rclone", "--config", "rclone.conf", "--retries", "1",
                     "--low-level-retries", "1", *extra, *argv, AWS_CA_BUNDLE=None, **options)


def _at(place, path=""):
    return f"t:{place.bucket}/{path}"


def syncs_after_mtimes_changed(place):
    """`sync` after touching every file uploads nothing anew: times are set by copies onto
    themselves, bytes and ETag stay; a second `sync` finds nothing to do.
    """
    top = place.folder("touched", FILES)
    _rclone(place, "sync", top, _at(place, "sync"))
    etags = {k: place.head(k)["ETag"] for k in place.keys("sync/")}
    assert len(etags) == len(FILES)
    then = time.time() - 86400
    for path in FILES:
        os.utime(top / path, (then, then))
    _rclone(place, "sync", top, _at(place, "sync"))
    for key, etag in etags.items():
        head = place.head(key)
        assert head["ETag"] == etag
        assert abs(float(head["Metadata"]["mtime"]) - then) < 1, head
    assert "Transferred:   \t          0 B / 0 B" in _rclone(
        place, "sync", "--stats-log-level", "NOTICE", "--stats", "1h", top, _at(place, "sync"))
    _rclone(place, "check", top, _at(place, "sync"))
    _rclone(place, "check", "--download", top, _at(place, "sync"))


def touched_large_file_is_copied_in_place(place):
    """A file of 21 MiB, uploaded in parts, gets a new time by a copy onto itself in parts."""
    top = place.folder("large", {"large": body(21 << 20)})
    options = ["--s3-upload-cutoff", "8Mi", "--s3-chunk-size", "8Mi", "--s3-copy-cutoff", "8Mi"]
    _rclone(place, "sync", *options, top, _at(place, "large"))
    then = time.time() - 86400
    os.utime(top / "large", (then, then))
    _rclone(place, "sync", *options, top, _at(place, "large"))
    assert abs(float(place.head("large/large")["Metadata"]["mtime"]) - then) < 1
    assert place.read("large/large") == body(21 << 20)
    assert place.uploads() == []


def moves_and_purges(place):
    """`move` of a folder and `moveto` of a file on the server; `purge` leaves nothing."""
    top = place.folder("moved", FILES)
    _rclone(place, "copy", top, _at(place, "from"))
    _rclone(place, "moveto", _at(place, "from/d0/f00.bin"), _at(place, "to/one"))
    assert place.read("to/one") == FILES["d0/f00.bin"]
    _rclone(place, "move", _at(place, "from"), _at(place, "to/all"))
    assert place.keys("from/") == []
    _rclone(place, "copy", _at(place, "to/all"), "back")
    assert tree(place.work / "back") == {p: b for p, b in FILES.items() if p != "d0/f00.bin"}
    _rclone(place, "purge", _at(place, "to"))
    assert place.keys("to/") == []


def keeps_two_sides_in_step(place):
    """`bisync` carries changes of either side to the other, a second time with none to carry."""
    top = place.folder("bi", FILES)
    (place.work / "state").mkdir(exist_ok=True)
    common = ["bisync", top, _at(place, "bi"), "--workdir", "state"]
    _rclone(place, "mkdir", _at(place, "bi"))
    place.put("bi/there", b"was there")
    _rclone(place, *common, "--resync")
    assert (top / "there").read_bytes() == b"was there"
    (top / "here").write_bytes(b"new here")
    place.put("bi/there2", b"new there")
    time.sleep(1.1)  # it compares times by seconds
    _rclone(place, *common)
    assert place.read("bi/here") == b"new here" and (top / "there2").read_bytes() == b"new there"
    _rclone(place, *common)
    assert sorted(place.keys("bi/")) == sorted(f"bi/{p}" for p in tree(top))


def lists_and_reads_pieces(place):
    """`lsjson` with hashes by pages of ten, `cat` of a piece, `rcat` of a pipe."""
    top = place.folder("listed", FILES)
    _rclone(place, "copy", top, _at(place, "listed"))
    said = _rclone(place, "lsjson", "-R", "--hash", "--files-only", _at(place, "listed"))
    assert said.count('"md5"') == len(FILES)
    (place.work / "piped").write_bytes(body(30000, 7))
    place.run("sh", "-c", "rclone --config rclone.conf "
              + (f"--ca-cert {place.ca} " if place.ca else "")
              + f"rcat {_at(place, 'piped')} < piped", AWS_CA_BUNDLE=None)
    assert place.read("piped") == body(30000, 7)
    said = _rclone(place, "cat", "--offset", "0", "--count", "3", _at(place, "listed/ü b+c"))
    assert said == "odd"
