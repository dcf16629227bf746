"""docs/guide/metrics.md names every metric there is, with its labels, and no other."""

import re
from pathlib import Path

import pytest
from lib import daemon, proc

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `(forebay_\w+)` \|([^|]*)\| \S.* \|$", re.M)


def table():
    """{name: labels}, as the guide has them."""
    rows = ROW.findall((ROOT / "docs/guide/metrics.md").read_text())
    names = [name for name, _ in rows]
    assert names == sorted(set(names)), "in order, each once"
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def exported(forebay):
    """{name: labels} of what is scraped; a histogram's parts are one."""
    out = {}
    for name, labels in forebay.metrics():
        whole = re.sub(r"_(bucket|sum|count)$", "", name)
        whole = whole if whole.endswith("_seconds") else name
        out.setdefault(whole, set()).update(dict(labels).keys() - {"le"})
    return out


def named():
    """What the daemon's sources call a metric."""
    out = set()
    for path in (ROOT / "src").rglob("*.cpp"):
        if not path.stem.endswith(("_test", "_fuzz")):
            out |= set(re.findall(r'"(forebay_[a-z0-9_]+)"', path.read_text()))
    return out


def test_the_guide_has_every_metric():
    """Those that come with a bucket, a first request to its origin, or an S3 origin, too."""
    with daemon.Forebay() as forebay:
        target = forebay.target()
        assert target.call("PUT", "/metrics").status == 200
        assert target.call("PUT", "/metrics/key", body=b"x").status == 200
        # There is nobody, but now it is an S3 endpoint.
        nobody = f"s3://bkt?endpoint=http://127.0.0.1:{proc.free_port()}"
        with pytest.raises(RuntimeError):
            forebay.cli("bucket", "create", "nobody", "--origin", nobody)

        def settled():
            seen = exported(forebay)
            return named() == set(seen) and seen

        seen = proc.wait_until("each metric of the sources on /metrics", settled, 10)
    assert table() == seen
