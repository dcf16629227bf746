"""What the program prints without a daemon."""

import os
import pathlib
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FOREBAY_BIN", str(ROOT / "build" / "release" / "forebay"))


def run(*arguments):
    """Runs the program to its end, without the variables that are for tests."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("FOREBAY_")}
    return subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, timeout=30, env=env
    )


def test_the_compatibility_page_is_current():
    """docs/s3-compatibility.md is what the table of operations gives."""
    printed = run("s3-compatibility")
    assert printed.stdout == (ROOT / "docs" / "s3-compatibility.md").read_text()


def test_the_package_can_always_be_removed():
    """No script of the package fails because the service does."""
    for script in (ROOT / "deploy" / "debian").iterdir():
        for line in script.read_text().splitlines():
            assert "deb-systemd-invoke" not in line or line.endswith("|| true"), script


def completed(line):
    """What bash offers at the end of `line`."""
    script = r"""
        . <("$0" completion); line=$1; read -ra COMP_WORDS <<<"$line"
        case "$line" in *' ') COMP_WORDS+=('') ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _forebay; printf '%s\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", script, PROGRAM, line], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.stderr == "", done.stderr
    return done.stdout.split()


def test_bash_completes_commands_and_options():
    """Of each command its own; names of files (nothing of ours) where a value is to come."""
    assert completed("forebay buck") == ["bucket"]
    assert completed("forebay bucket s") == ["set", "show"]
    assert completed("forebay help bucket s") == ["set", "show"]
    assert completed("forebay --data D job ") == ["ls", "show", "wait", "cancel"]
    assert completed("forebay rm -r x --j") == ["--job", "--json"]
    assert completed("forebay serve --tls") == ["--tls-cert", "--tls-key"]
    assert completed("forebay serve --data ") == [] == completed("forebay cp ")
    assert "--native" in completed("forebay bucket create x --")
    assert "--native" not in completed("forebay bucket set x --")


def test_help_names_every_setting():
    """`serve --help` ends well and tells the contract's flags."""
    shown = run("serve", "--help")
    assert shown.returncode == 0
    for flag in ("--data", "--disk", "--s3", "--admin", "--config", "--cache-size", "--memory"):
        assert flag in shown.stdout, flag


def test_mistakes_are_usage_errors():
    """An unknown flag or a size that is none ends with 2 and says which."""
    assert run("serve", "--no-such-flag").returncode == 2
    assert run("no-such-word").returncode == 2
    wrong = run("serve", "--cache-size", "much")
    assert wrong.returncode != 0
    assert "cache-size" in wrong.stderr


def test_the_word_that_is_wrong_is_named():
    """Unknown words are named, in the order they were written, and `serve` comes first."""
    for words, text in [
        (["serv"], "unknown command 'serv'"),
        (["--data", "D", "serve"], "serve comes first"),
        (["serve", "--cache-sise", "1GiB"],
         "unknown option '--cache-sise'; did you mean --cache-size?"),
        (["serve", "--admin", "127.0.0.1:1", "extra"], "unexpected argument 'extra'"),
    ]:
        wrong = run(*words)
        assert wrong.returncode == 2
        assert wrong.stderr.startswith(text), wrong.stderr
    assert "serve" in run("--help").stdout.split("ommands:")[1].lower()


def test_an_unreachable_daemon_is_a_plain_error():
    """No daemon: exit code 1 and a sentence, not a trace."""
    done = subprocess.run(
        [PROGRAM, "--admin", "127.0.0.1:1", "status"],
        capture_output=True,
        text=True,
        timeout=30,
        env={"FOREBAY_ROOT_ACCESS_KEY": "A" * 20, "FOREBAY_ROOT_SECRET_KEY": "s" * 40},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("forebay: ")


def test_without_a_daemon_it_says_what_to_look_at():
    """Nobody listens there: the answer is an error that names the flags, not only the errno."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{probe.getsockname()[1]}"
        missing = run("--s3", nowhere, "--admin", nowhere, "status")
    assert missing.returncode == 1
    assert "Connection refused" in missing.stderr and "--admin" in missing.stderr


def test_help_is_a_word_too():
    """`help` and `help COMMAND` say what --help says."""
    for words in [[], ["serve"], ["bucket"], ["bucket", "create"]]:
        asked = run("help", *words)
        assert asked.returncode == 0 and asked.stdout == run(*words, "--help").stdout
        assert asked.stdout, words


def test_a_slip_in_the_file_is_refused_with_what_was_meant(tmp_path):
    """A key of the TOML file that is no setting is named, and the nearest one with it."""
    file = tmp_path / "config.toml"
    file.write_text('cach-size = "1GiB"\n')
    wrong = run("serve", "--config", str(file))
    assert wrong.returncode == 2
    assert f"{file}: there is no setting 'cach-size'; did you mean cache-size?" in wrong.stderr
