"""`url=`, `use_path_request_style`."""

import contextlib
import os
import shutil
import time

from place import body, tree

CLIENT = "s3fs-fuse"
VERSION = ["s3fs", "--version"]
FAST = True


@contextlib.contextmanager
def _mounted(place, **more):
    """The bucket, mounted; the folder is there when the block begins."""
    point = place.work / "mnt"
    point.mkdir(exist_ok=True)
    options = {"url": place.endpoint, "use_path_request_style": None, "endpoint": place.region,
               "multipart_size": 5, "singlepart_copy_limit": 5, "retries": 1,
               "enable_noobj_cache": None, "stat_cache_expire": 1, **more}
    said = ",".join(n if v is None else f"{n}={v}" for n, v in options.items())
    place.run("s3fs", place.bucket, point, "-o", said,
              AWSACCESSKEYID=place.access_key, AWSSECRETACCESSKEY=place.secret_key,
              AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    for _ in range(100):
        if os.path.ismount(point):
            break
        time.sleep(0.1)
    assert os.path.ismount(point)
    try:
        yield point
    finally:
        place.run("fusermount3" if shutil.which("fusermount3") else "fusermount", "-u", "-z", point)
        for _ in range(100):
            if not os.path.ismount(point):
                break
            time.sleep(0.1)


def renames_files_and_folders(place):
    """`rename` of a file, over another file, and of a folder with files in it."""
    with _mounted(place) as top:
        (top / "a/b").mkdir(parents=True)
        for i in range(6):
            (top / f"a/b/f{i}").write_bytes(body(2000 + i, i))
        os.rename(top / "a/b/f0", top / "a/one")
        os.rename(top / "a/b/f1", top / "a/one")
        assert (top / "a/one").read_bytes() == body(2001, 1)
        os.rename(top / "a/b", top / "c")
        assert sorted(os.listdir(top / "c")) == ["f2", "f3", "f4", "f5"]
        assert sorted(os.listdir(top / "a")) == ["one"]
    assert place.read("c/f3") == body(2003, 3)
    assert [k for k in place.keys() if k[-1] != "/"] == ["a/one", "c/f2", "c/f3", "c/f4", "c/f5"]


def changes_modes_and_times(place):
    """`chmod`, `utime` and `chown` are copies onto themselves; a new mount sees them."""
    with _mounted(place) as top:
        (top / "mode").write_bytes(b"mode")
        (top / "mode").chmod(0o640)
        os.utime(top / "mode", (1_500_000_000, 1_500_000_000))
    with _mounted(place) as top:
        stat = (top / "mode").stat()
        assert stat.st_mode & 0o777 == 0o640 and int(stat.st_mtime) == 1_500_000_000
        assert (top / "mode").read_bytes() == b"mode"


def large_file_and_appends(place):
    """12 MiB go up in parts; what is appended and overwritten inside is mixed with copied parts;
    a rename copies in parts.
    """
    whole = bytearray(body(12 << 20))
    with _mounted(place) as top:
        (top / "large").write_bytes(whole)
        with open(top / "large", "ab") as file:
            file.write(b"appended")
        whole += b"appended"
        with open(top / "large", "r+b") as file:
            file.seek(6 << 20)
            file.write(b"inside")
        whole[6 << 20: (6 << 20) + 6] = b"inside"
        assert (top / "large").read_bytes() == whole
        os.rename(top / "large", top / "renamed")
    assert place.read("renamed") == whole
    assert place.uploads() == []


def rsync_there_and_back(place):
    """rsync writes temporary files and renames them; a second run changes nothing."""
    files = {f"r{i % 2}/f{i}": body(3000 + i, i) for i in range(8)}
    source = place.folder("source", files)
    with _mounted(place) as top:
        place.run("rsync", "-a", f"{source}/", top / "rsync/")
        assert tree(top / "rsync") == files
        assert "f" not in place.run("rsync", "-a", "--out-format=%n", f"{source}/", top / "rsync/")
        (source / "r0/f0").write_bytes(b"changed")
        (source / "r1/f1").unlink()
        place.run("rsync", "-a", "--delete", f"{source}/", top / "rsync/")
        assert tree(top / "rsync") == tree(source)
        shutil.rmtree(top / "rsync/r1")
    assert not any(k.startswith("rsync/r1") for k in place.keys())
    assert place.read("rsync/r0/f0") == b"changed"
