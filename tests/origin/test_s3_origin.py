"""The contract of origins, run by origin_test against real S3 servers, and against an nginx that
knows S3 only by hearsay.
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from lib import origins, proc  # noqa: E402

BUILD = Path(os.environ.get("FOREBAY_BUILD", HERE.parent.parent / "build" / "release"))


def run_live(filter_, kind, url, key, secret):
    """Runs the live tests of one kind; their own report is the failure's text."""
    done = proc.run(
        [
            BUILD / "origin_test",
            f"--gtest_filter={filter_}",
            f"--s3-kind={kind}",
            f"--s3-url={url}",
            f"--s3-key={key}:{secret}",
        ],
        seconds=300,
        check=False,
    )
    text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    assert done.returncode == 0, text[-8000:]
    assert "[  PASSED  ]" in text and "PASSED  ] 0 tests" not in text, text[-2000:]


@pytest.mark.parametrize("kind", ["seaweedfs", "radosgw"])
@pytest.mark.parametrize("prefix", ["", "/some/prefix"])
def test_contract(kind, prefix):
    """Every case of the contract, with and without a prefix in the bucket."""
    with origins.KINDS[kind]() as origin:
        url = origin.url("contract" + prefix)
        run_live("S3/Live.*", kind, url, origin.access_key, origin.secret_key)


NGINX = """\
daemon off; pid {root}/pid; error_log {root}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /bench {{
      default_type application/xml;
      return 200 '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';
    }}
    location /bench/ {{
      root {root}/files; dav_methods PUT DELETE; create_full_put_path on;
    }}
  }}
}}
"""


def test_nginx_will_do(tmp_path):
    """A server that answers lists with an empty document and takes WebDAV's PUT can be read."""
    port = proc.free_port()
    files = tmp_path / "files" / "bench"
    files.mkdir(parents=True)
    tmp_path.chmod(0o777)
    (files / "there").write_bytes(b"0123456789")
    config = tmp_path / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(user + NGINX.format(root=tmp_path, port=port))
    endpoint = f"http://127.0.0.1:{port}"
    child = proc.Child(["nginx", "-p", tmp_path, "-c", config], tmp_path / "log")
    try:
        proc.wait_until("nginx answers", lambda: proc.http_answers(endpoint), 20)
        run_live("S3/Plain.*", "nginx", f"s3://bench?endpoint={endpoint}", "KEY", "secret")
    finally:
        child.stop(seconds=5)
    assert [p.name for p in files.iterdir()] == ["there"]
