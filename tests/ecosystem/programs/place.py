"""Where a program of this folder works: an endpoint, keys and a fresh bucket of its own, told by
the environment as a user would; and an independent reader (boto3) of what the client did.
"""

import contextlib
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path


class Place:
    """One bucket behind Forebay; `work` is a private folder that is empty at the start."""

    def __init__(self):
        self.endpoint = os.environ["AWS_ENDPOINT_URL"]
        self.scheme, self.host = self.endpoint.split("://")
        self.bucket = os.environ["FOREBAY_PLACE"]
        self.kind = os.environ["FOREBAY_PLACE_KIND"]
        self.access_key = os.environ["AWS_ACCESS_KEY_ID"]
        self.secret_key = os.environ["AWS_SECRET_ACCESS_KEY"]
        self.region = os.environ["AWS_REGION"]
        self.ca = os.environ.get("AWS_CA_BUNDLE")
        self.secure = self.scheme == "https"
        self.work = Path(os.environ["HOME"])

    def s3(self, **options):
        """A boto3 client that repeats nothing, so that no failure is hidden."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3", config=Config(retries={"total_max_attempts": 1}, signature_version="s3v4",
                                s3={"addressing_style": "path"}, **options))

    def url(self, key=""):
        """The s3:// name of a key."""
        return f"s3://{self.bucket}/{key}"

    def read(self, key):
        """The bytes of an object, read by boto3."""
        return self.s3().get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def head(self, key):
        """HeadObject of a key."""
        return self.s3().head_object(Bucket=self.bucket, Key=key)

    def put(self, key, body):
        """Writes an object by boto3."""
        self.s3().put_object(Bucket=self.bucket, Key=key, Body=body)

    def keys(self, prefix=""):
        """All keys under a prefix, in S3's order."""
        pages = self.s3().get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix)
        return [o["Key"] for page in pages for o in page.get("Contents", [])]

    def uploads(self):
        """Uploads in parts that were begun and neither completed nor aborted."""
        return self.s3().list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def run(self, *argv, code=0, seconds=120, **env):
        """Runs a command in `work`, which must end with `code` (or one of them); returns what it
        printed. A value None takes a variable out of its environment.
        """
        full = {n: v for n, v in (os.environ | env).items() if v is not None}
        with tempfile.TemporaryFile() as said:  # a pipe would be held open by daemons
            done = subprocess.run([str(a) for a in argv], env=full, cwd=self.work,
                                  timeout=seconds, stdin=subprocess.DEVNULL, stdout=said,
                                  stderr=subprocess.STDOUT)
            said.seek(0)
            text = said.read().decode(errors="replace")
        assert done.returncode in (code if isinstance(code, list) else [code]), (
            f"{' '.join(map(str, argv))}: exit {done.returncode}\n{text[-4000:]}")
        return text

    def folder(self, name, files):
        """Makes a folder in `work` with the given files: {relative path: bytes}. They are a while
        old: objects have dates of whole seconds, and whoever syncs by date takes a file of the
        same second for a newer one.
        """
        top = self.work / name
        then = time.time() - 10
        for path, body in files.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(body)
            os.utime(top / path, (then, then))
        return top


def body(size, seed=1):
    """Bytes that do not compress, the same at each call."""
    return random.Random(seed).randbytes(size)


def tree(top):
    """What lies below a folder: {relative path: bytes}, without names that begin with a dot (some
    mounts have endless files of such names).
    """
    found = {}
    for folder, inner, files in os.walk(top):
        inner[:] = [n for n in inner if n[0] != "."]
        for path in (Path(folder) / n for n in files if n[0] != "."):
            found[str(path.relative_to(top))] = path.read_bytes()
    return found


@contextlib.contextmanager
def refused(*kinds):
    """The block must raise one of these."""
    try:
        yield
    except kinds:
        return
    raise AssertionError(f"none of {kinds} was raised")
