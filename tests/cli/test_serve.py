"""What `forebay serve` does with its own folders and tells of them, seen from outside."""

import hashlib
import json
import os
import subprocess

import pytest
from lib import certs, daemon, proc


@pytest.fixture
def forebay():
    """A daemon whose data folder nobody has made before."""
    made = daemon.Forebay()
    made.data.rmdir()
    with made:
        yield made


def cli(forebay, *argv):
    """Runs the command line against it, whatever comes of it."""
    env = forebay.env | {"FOREBAY_ADMIN": forebay.admin_address, "FOREBAY_S3": forebay.s3_address}
    done = proc.run([daemon.binary(), *argv], env=env, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def log(forebay):
    """What the daemon logged."""
    return (forebay.root / "log").read_text()


def test_the_data_folder_is_for_its_user_alone(forebay):
    """A new one is private; one that others may read is served, with a warning that tells how to
    mend it.
    """
    assert forebay.data.stat().st_mode & 0o777 == 0o700
    assert "chmod 700" not in log(forebay)
    forebay.stop()
    forebay.data.chmod(0o755)
    forebay.start()
    assert forebay.data.stat().st_mode & 0o777 == 0o755, "what somebody set is his to change"
    assert "chmod 700" in log(forebay)


def test_no_bucket_shows_the_daemons_own_folders(forebay):
    """The data folder holds root's secret and those of origins: no origin may be it, lie in it or
    above it, nor a folder of cached bytes, nor through a link.
    """
    (forebay.root / "link").symlink_to(forebay.data)
    (forebay.root / "else").mkdir()
    own = [forebay.data, forebay.data / "meta", forebay.data / "cache", forebay.root, "/",
           forebay.root / "link"]
    for folder in own:
        code, _, said = cli(forebay, "bucket", "create", "inner", "--origin", f"dir://{folder}")
        assert code == 2 and "folder of the daemon" in said, f"{folder}: {said}"
    for folder in [forebay.data / "buckets" / "mine", forebay.data / "not-yet"]:
        assert cli(forebay, "bucket", "create", "inner", "--origin", f"dir://{folder}")[0] == 2
    assert "inner" not in cli(forebay, "bucket", "ls")[1]
    code, _, said = cli(
        forebay, "bucket", "create", "outer", "--origin", f"dir://{forebay.root}/else"
    )
    assert code == 0, said
    assert cli(forebay, "bucket", "create", "mine")[0] == 0, "without one it needs none"
    forebay.restart()
    assert "mine" in cli(forebay, "bucket", "ls")[1]


def test_a_disk_folder_is_no_origin_either():
    """Folders given by --disk are the daemon's own too."""
    made = daemon.Forebay()
    made.flags += ["--disk", str(made.root / "nvme")]
    with made:
        code, _, said = cli(made, "bucket", "create", "disk", "--origin", f"dir://{made.root}/nvme")
        assert code == 2 and "folder of the daemon" in said


@pytest.mark.parametrize("way", ["repeated", "commas", "environment", "file"])
def test_disks_are_as_many_as_are_said(way):
    """By repeating the flag, and in each other way that the guide tells of."""
    made = daemon.Forebay()
    disks = [str(made.root / name) for name in ("nvme0", "nvme1")]
    if way == "repeated":
        made.flags += ["--disk", disks[0], "--disk", disks[1]]
    elif way == "commas":
        made.flags += ["--disk", ",".join(disks)]
    elif way == "environment":
        made.env = made.env | {"FOREBAY_DISK": ",".join(disks)}
    else:
        (made.root / "config.toml").write_text(f"disk = {json.dumps(disks)}\n")
        made.flags += ["--config", str(made.root / "config.toml")]
    with made:
        said = cli(made, "status", "--json")
        assert said[0] == 0 and all(disk in said[1] for disk in disks), said


def test_a_member_said_twice_is_refused(forebay):
    """Which of two names was meant cannot be known; no bucket is made."""
    body = '{"name":"first","name":"second"}'
    hashed = hashlib.sha256(body.encode()).hexdigest()
    said = curl(forebay, ["-H", f"x-amz-content-sha256: {hashed}"], body)
    assert said["status"] == 400 and "twice: 'name'" in said["detail"], said
    assert "second" not in cli(forebay, "bucket", "ls")[1]


def curl(forebay, headers, body):
    """The answer of a POST to the admin API, as the guide's curl sends it."""
    return json.loads(
        subprocess.run(
            ["curl", "-s", "--aws-sigv4", "aws:amz:us-east-1:forebay",
             "--user", f"{daemon.ACCESS_KEY}:{daemon.SECRET_KEY}", *headers,
             "--data-binary", body, f"http://{forebay.admin_address}/v1/buckets"],
            capture_output=True, text=True, timeout=30, check=True,
        ).stdout
    )


def test_the_admin_door_tells_how_a_body_is_signed(forebay):
    """Its advice is one that it takes: the hash, never UNSIGNED-PAYLOAD."""
    body = json.dumps({"name": "by-curl"})
    for headers in [[], ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]]:
        said = curl(forebay, headers, body)
        assert said["status"] == 400 and "sha256sum" in said["detail"], said
        assert "UNSIGNED" not in said["detail"]
    hashed = hashlib.sha256(body.encode()).hexdigest()
    assert curl(forebay, ["-H", f"x-amz-content-sha256: {hashed}"], body)["name"] == "by-curl"


def test_what_cannot_be_made_is_told_with_the_way_out(forebay):
    """A bad bucket name gets the rule; an existing bucket says that it stays as it is."""
    code, _, said = cli(forebay, "bucket", "create", "No_Good")
    assert code == 2 and "3-63 small letters" in said
    assert cli(forebay, "bucket", "create", "twice", "--max-objects", "77")[0] == 0
    code, _, said = cli(forebay, "bucket", "create", "twice")
    assert code == 1 and "forebay bucket show twice" in said
    assert "77" in cli(forebay, "bucket", "show", "twice")[1]


def test_a_second_daemon_is_told_of_the_first(forebay):
    """Two daemons on one data folder: the second ends with what to do."""
    again = ["serve", "--data", forebay.data, "--s3", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    code, _, said = cli(forebay, *again)
    assert code == 1
    assert f"a Forebay already runs on {forebay.data}; stop it or use --data" in said


def test_an_origin_that_does_not_answer_is_named_as_what_is_down(forebay):
    """The S3 client learns that it is the origin, not where it is; the command line does not ask
    whether the daemon runs.
    """
    endpoint = f"127.0.0.1:{proc.free_port()}"
    code, _, said = cli(
        forebay, "bucket", "create", "away", "--origin", f"s3://away?endpoint=http://{endpoint}"
    )
    assert code == 1 and "at the origin: connect to" in said, said
    assert "does the daemon run" not in said
    assert said.count("connect to") == 1 and " : " not in said


def test_more_cache_than_there_is_is_said():
    """A cache-size above what the disk has is no error; log and status tell what there is."""
    made = daemon.Forebay(flags=["--cache-size", "100000TiB"])
    with made:
        proc.wait_until("the log's line", lambda: "cache-size is more than" in log(made), 30)
        assert "cache-size=97.7 PiB" in log(made) or '"97.7 PiB"' in log(made), log(made)
        said = cli(made, "status")[1]
        assert "cache-size asks for 97.7 PiB; this is what there is" in said, said
        disk = json.loads(cli(made, "status", "--json")[1])["disks"][0]
        assert disk["cache_size"] == 100000 << 40 and disk["limit"] < 100000 << 40


def test_two_disks_on_one_file_system_share_it():
    """Together they claim no more than it has, and both log and status tell of it."""
    made = daemon.Forebay()
    made.flags += ["--disk", str(made.root / "one"), "--disk", str(made.root / "two")]
    with made:
        disks = json.loads(cli(made, "status", "--json")[1])["disks"]
        there = os.statvfs(made.root)
        assert sum(disk["limit"] for disk in disks) <= there.f_blocks * there.f_frsize
        assert cli(made, "status")[1].count("shares its file system with 1 other disk") == 2
        both = "disks share a file system"
        proc.wait_until("the log's lines", lambda: log(made).count(both) == 2, 30)


def test_a_folder_that_is_gone_is_told_by_the_status(forebay):
    """A bucket whose folder was removed is out, until the folder is there again."""
    folder = forebay.root / "mine"
    folder.mkdir()
    assert cli(forebay, "bucket", "create", "mine", "--origin", f"dir://{folder}")[0] == 0
    assert "out of service" not in cli(forebay, "status")[1]
    folder.rmdir()
    said = cli(forebay, "status")[1]
    assert "healthy: false" in said, said
    assert f"out of service:\n  mine: folder {folder}: No such file or directory\n" in said, said
    proc.wait_until("the log's line", lambda: "a bucket is out" in log(forebay), 30)
    folder.mkdir()
    assert "out of service" not in cli(forebay, "status")[1]


def test_an_origin_that_is_not_there_is_told_from_a_bucket(forebay):
    """Creating a bucket over nothing says what is missing, not that the bucket is."""
    code, _, said = cli(forebay, "bucket", "create", "over", "--origin", "dir:///no/such/folder")
    assert code == 1 and "the origin of bucket over is not there" in said, said
    assert "bucket ls" not in said


def test_the_wrong_address_is_called_so(forebay):
    """Who takes one address for the other is told which one it is."""
    swapped = forebay.env | {
        "FOREBAY_ADMIN": forebay.s3_address, "FOREBAY_S3": forebay.admin_address
    }
    for words, kind in [
        (["status"], "is an S3 address, not an admin address"),
        (["bucket", "create", "made"], "is an S3 address, not an admin address"),
        (["ls"], "is an admin address, where S3 is not spoken"),
        (["stat", "any/key"], "is an admin address, where S3 is not spoken"),
    ]:
        done = proc.run([daemon.binary(), *words], env=swapped, check=False)
        assert done.returncode == 1 and kind in done.stderr.decode(), done.stderr
    assert "made" not in cli(forebay, "bucket", "ls")[1]


def test_plain_http_and_tls_are_told_apart(forebay, tmp_path):
    """The error names the scheme that is spoken there."""
    code, _, said = cli(forebay, "--s3", f"https://{forebay.s3_address}", "ls")
    assert code == 1 and "say http://" in said, said
    with daemon.Forebay(tls=certs.make(tmp_path)) as secure:
        code, _, said = cli(secure, "ls")
        assert code == 1 and "say https://" in said, said
