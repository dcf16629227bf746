"""What those are told who do it for the first time: slips, wrong settings, an origin said wrongly,
what is gone.
"""

import json
import os
import re
import socket
import subprocess
import urllib.parse

import pytest
from lib import daemon, proc
from lib.rawhttp import Call


@pytest.fixture
def forebay():
    """A running daemon."""
    with daemon.Forebay() as made:
        yield made


def cli(forebay, *argv, **variables):
    """Exit code, output and errors of the command line against it."""
    env = forebay.env | {"FOREBAY_ADMIN": forebay.admin_address, "FOREBAY_S3": forebay.s3_address}
    done = proc.run([daemon.binary(), *argv], env=env | variables, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def serve(folder, *argv):
    """Runs a daemon that is expected to end by itself, without keys of its environment."""
    free = [word for flag in ("--s3", "--admin") if flag not in argv
            for word in (flag, "127.0.0.1:0")]
    done = subprocess.run(
        [daemon.binary(), "serve", "--data", folder, *free, *argv],
        capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]}, check=False,
    )
    return done.returncode, done.stderr


def log(forebay):
    """What the daemon logged."""
    return (forebay.root / "log").read_text()


def test_the_status_tells_of_requests_and_connections(forebay):
    """How many there were and how they ended."""
    target = forebay.target()
    assert target.call("PUT", "/counted").status == 200
    assert target.call("GET", "/counted/none").status == 404
    said = json.loads(cli(forebay, "status", "--json")[1])
    assert said["requests"]["total"] >= 2 and said["requests"]["client_errors"] == 1
    assert said["requests"]["server_errors"] == 0 and said["draining"] is False
    assert 0 <= said["connections"]["open"] < said["connections"]["limit"]
    text = cli(forebay, "status")[1]
    counts = r"^requests: \d+ since the start, 1 client error, 0 server errors; \d+ under way$"
    assert re.search(counts, text, re.M), text
    assert re.search(r"^connections: \d+ of at most \d+$", text, re.M) and "draining" not in text


def test_the_status_tells_of_a_drain(forebay):
    """While a request is under way after SIGTERM: that, and of the S3 address as before."""
    target = forebay.target()
    assert target.call("PUT", "/slow").status == 200
    begun = Call("PUT", "/slow/k", headers={"Content-Length": "1000"}, body=b"x",
                 payload="UNSIGNED-PAYLOAD")
    with target.connect() as connection:
        connection.send(begun, target.signer())
        proc.wait_until(
            "the request is under way",
            lambda: forebay.metric("forebay_http_requests_in_flight", server="s3") == 1, 10,
        )
        forebay.child.process.terminate()

        def draining():
            said = json.loads(cli(forebay, "status", "--json")[1])
            return said["draining"] and said

        said = proc.wait_until("the drain is told", draining, 10)
        assert said["s3"] == forebay.s3_address and said["requests"]["in_flight"] == 1
        assert "draining: the daemon was told to end" in cli(forebay, "status")[1]
    assert forebay.child.stop(30) == 0


def test_a_mistyped_bucket_gets_its_name(forebay):
    """From each command that takes one."""
    assert cli(forebay, "bucket", "create", "bucket-1")[0] == 0
    for words in [["ls", "bukcet-1"], ["rm", "bukcet-1/k"], ["stat", "bukcet-1/k"],
                  ["bucket", "show", "bukcet-1"]]:
        code, _, said = cli(forebay, *words)
        assert code == 1 and "did you mean bucket-1?" in said, said
    assert "did you mean" not in cli(forebay, "ls", "elsewhere")[2]


def test_an_origin_said_wrongly_gets_a_hint(forebay):
    """The scheme, the port and the secret, one hint each."""
    assert forebay.target().call("PUT", "/there").status == 200
    keys = {"FOREBAY_ORIGIN_ACCESS_KEY": daemon.ACCESS_KEY,
            "FOREBAY_ORIGIN_SECRET_KEY": daemon.SECRET_KEY}
    wrong = keys | {"FOREBAY_ORIGIN_SECRET_KEY": "wrong"}
    for endpoint, env, hint in [
        (f"https://{forebay.s3_address}", keys, "endpoint=http://"),
        (f"http://{forebay.admin_address}", keys, "wants the S3 port"),
        (f"http://{forebay.s3_address}", wrong, "the secret is not its"),
    ]:
        code, _, said = cli(forebay, "bucket", "create", "over", "--origin",
                            f"s3://there?endpoint={urllib.parse.quote(endpoint, safe=':/')}",
                            **env)
        assert code == 1 and hint in said, said
        assert said.count("\n") == 2, "the error and its hint"


def test_a_start_that_fails_leaves_no_keys(tmp_path):
    """They are kept when the daemon serves: the next start makes and shows them."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = serve(tmp_path / "data", "--admin", f"127.0.0.1:{taken.getsockname()[1]}")
    assert code == 1 and "another process listens on" in said, said
    assert "stopping" not in said, "what had not begun"
    assert not (tmp_path / "data" / "credentials").exists()
    made = daemon.Forebay()
    made.env = {n: v for n, v in made.env.items() if not n.startswith("FOREBAY_ROOT_")}
    with made:
        assert "shown this once" in (made.root / "out-1").read_text()
        assert (made.data / "credentials").stat().st_mode & 0o777 == 0o600


def test_wrong_settings_end_with_two(tmp_path):
    """Also those that only their use shows to be wrong."""
    (tmp_path / "text").write_text("no PEM")
    data = tmp_path / "data"
    for words, text in [
        (["--log-level", "loud"], "setting log-level"),
        (["--log-file", tmp_path / "no" / "log"],
         f"setting log-file: the folder {tmp_path}/no does not exist"),
        (["--log-file", tmp_path], "setting log-file"),
        (["--origin-ca", tmp_path / "none.pem"], "none.pem: No such file or directory"),
        (["--tls-cert", tmp_path / "text", "--tls-key", tmp_path / "text"], "setting tls-cert"),
        (["--s3", "192.0.2.1:9000"], "setting s3"),
        (["--disk", tmp_path / "a", "--disk", tmp_path / "a" / "b"], "setting disk"),
        (["--freshness", "ttl:60"], "setting freshness"),
    ]:
        code, said = serve(data, *words)
        assert code == 2 and text in said, (words, code, said)
    assert not (tmp_path / "no").exists()


def test_a_variable_that_is_none_is_told_by_commands_too(forebay):
    """They go on all the same."""
    code, _, said = cli(forebay, "ls", FOREBAY_ADMN="h:1", FOREBAY_ENDPIONT="h:2")
    assert code == 0
    assert "warning: the environment's FOREBAY_ADMN is no setting; did you mean FOREBAY_ADMIN?" \
        in said
    assert "warning: the environment's FOREBAY_ENDPIONT is no setting" in said
    assert "warning" not in cli(forebay, "ls")[2]


def test_a_missing_bundle_is_named(forebay, tmp_path):
    """The file and why, and that it is wrong usage."""
    missing = tmp_path / "none.pem"
    code, _, said = cli(forebay, "--s3", "https://127.0.0.1:1", "--ca-bundle", missing, "ls")
    assert code == 2 and f"{missing}: No such file or directory" in said, said


def test_a_folder_that_is_gone_does_not_fill_the_log(forebay):
    """One line a minute, whatever is asked of its bucket."""
    folder = forebay.root / "mine"
    folder.mkdir()
    assert cli(forebay, "bucket", "create", "mine", "--origin", f"dir://{folder}")[0] == 0
    target = forebay.target()
    assert target.call("PUT", "/mine/k", body=b"x").status == 200
    (folder / "k").unlink()
    for inner in folder.iterdir():
        proc.run(["rm", "-r", inner])
    folder.rmdir()
    before = len(log(forebay).splitlines())
    for _ in range(30):
        assert target.call("GET", "/mine/other").status == 404
        target.call("GET", "/mine")
        target.call("PUT", "/mine/k", body=b"x")
    proc.wait_until("a line in the log", lambda: "origin is gone" in log(forebay), 10)
    more = log(forebay).splitlines()[before:]
    assert len(more) <= 3, more
