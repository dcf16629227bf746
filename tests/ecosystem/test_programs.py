"""Every program of programs/ against buckets of every kind, over http and https: each of its cases
is one test. One process runs all cases of a program against one endpoint.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lib import daemon
from matrix import FULL, RESULTS, TARGETS

PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 400  # of one program; each stays far below


def programs():
    """{name: its cases}, those that need nothing heavy alone where not all is asked for."""
    found = {}
    for path in sorted(PROGRAMS.glob("use_*.py")):
        parsed = ast.parse(path.read_text()).body
        fast = any(isinstance(n, ast.Assign) and n.targets[0].id == "FAST" for n in parsed)
        if FULL or fast:
            found[path.stem] = [n.name for n in parsed
                                if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
    return found


def plan():
    """(program, case, target) for all there is to run. Where not all is asked for each program has
    one target, in turns.
    """
    found = programs()
    return [(p, c, t) for j, t in enumerate(TARGETS) for i, (p, cases) in enumerate(found.items())
            if FULL or i % len(TARGETS) == j for c in cases]


CASES = plan()


@pytest.fixture(scope="session")
def outcomes(endpoints, tmp_path_factory):
    """Runs a program once against an endpoint and gives what came of each case."""
    known = {}

    def give(program, target):
        if (program, target) not in known:
            known[program, target] = run(program, endpoints(*target),
                                         tmp_path_factory.mktemp(program))
        return known[program, target]

    return give


def environment(endpoint, bucket, home):
    """What a user of this endpoint would export; nothing else of this machine's settings."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": daemon.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": daemon.SECRET_KEY,
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint.forebay.endpoint, "AWS_EC2_METADATA_DISABLED": "true",
        "FOREBAY_PLACE": bucket, "FOREBAY_PLACE_KIND": endpoint.kind,
        "FOREBAY_SDK_JS": os.environ.get("FOREBAY_SDK_JS", str(daemon.ROOT / "build/sdk-js")),
    }
    if endpoint.ca:
        for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                     "NODE_EXTRA_CA_CERTS"):
            env[name] = str(endpoint.ca)
    return env


def run(program, endpoint, folder):
    """Runs one program; what it does not tell of has failed with its output."""
    bucket = endpoint.new_bucket(program.replace("_", "-"))
    home = folder / "home"
    home.mkdir()
    argv = [sys.executable, PROGRAMS / "run.py", program, folder / "out"]
    # Mounts and daemons of a program end with it; the shell waits for those that lost their
    # parent. Some clients trust the system's authorities and no others: theirs are ours, for them.
    trusted = '[ -z "$0" ] || mount --bind "$0" /etc/ssl/certs/ca-certificates.crt; "$@"'
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "sh", "-ec", trusted, endpoint.ca or "", *argv]
    log = folder / "log"
    with open(log, "wb") as out:
        try:
            subprocess.run([str(a) for a in argv], env=environment(endpoint, bucket, home),
                           cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                           timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            out.write(f"\nnot done within {SECONDS} s\n".encode())
    said = log.read_text(errors="replace")
    told = (folder / "out").read_text().splitlines() if (folder / "out").exists() else []
    shutil.rmtree(home, ignore_errors=True)
    lines = [json.loads(line) for line in told]
    return {"of": lines[0] if lines else {}, "log": said,
            "cases": {line["case"]: line for line in lines[1:]}}


@pytest.mark.parametrize("program,case,target", CASES,
                         ids=[f"{p[4:]}-{c}-{'-'.join(t)}" for p, c, t in CASES])
def test_client(outcomes, program, case, target):
    """The case ran to its end."""
    outcome = outcomes(program, target)
    came = outcome["cases"].get(case, {"failed": "it was not reached"})
    kept = RESULTS.setdefault(f"{program}.{case}", {"of": outcome["of"], "on": {}})
    kept["on"]["-".join(target)] = came["failed"] is None
    assert came["failed"] is None, f"{came['failed']}\n{outcome['log'][-6000:]}"
