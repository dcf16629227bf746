"""What a test talks S3 to: normally a Forebay, or a foreign server while the harness itself is
being checked.
"""

import secrets
from dataclasses import dataclass, field

from . import rawhttp, sigv4
from .clients import REGION, boto3_client


@dataclass
class Target:
    """An S3 endpoint with its keys; `diverges` names the cases in which this server is known to
    differ from S3.
    """

    label: str
    endpoint: str
    access_key: str
    secret_key: str
    ca: str = None
    diverges: set = field(default_factory=set)

    def keeps_checksums(self, encoding):
        """Whether a checksum given at upload is still known at a read: the origin keeps it, or not
        (docs/guide/running.md). A trailer comes too late to be forwarded in an S3 origin's PUT.
        """
        if self.label.startswith("seaweedfs"):
            return "trailer" not in encoding
        return not self.label.startswith("radosgw")

    def boto3(self, **options):
        """A boto3 client for this endpoint; checksum trailers are its default over https."""
        if "trailers" in self.diverges:
            options["checksums"] = "when_required"
        return boto3_client(self.endpoint, self.access_key, self.secret_key, ca=self.ca, **options)

    def signer(self, **options):
        """A signer with this endpoint's keys."""
        return sigv4.Signer(
            options.pop("access_key", self.access_key),
            options.pop("secret_key", self.secret_key),
            REGION,
            **options,
        )

    def connect(self, timeout=60):
        """A raw connection to this endpoint."""
        return rawhttp.Connection(self.endpoint, ca=self.ca, timeout=timeout)

    def call(self, method, path, **fields):
        """Sends one signed request on its own connection and returns the Answer."""
        with self.connect() as connection:
            return connection.call(rawhttp.Call(method, path, **fields), self.signer())

    def get(self, bucket, key, **headers):
        """Reads an object, with extra headers given as keywords (`Cache_Control="no-store"`)."""
        named = {n.replace("_", "-"): v for n, v in headers.items()}
        return self.call("GET", f"/{bucket}/{sigv4.quote(key, safe='/-_.~')}", headers=named)

    def new_bucket(self, name="t"):
        """Creates a bucket with a fresh name by a hand-signed request and returns the name."""
        bucket = f"{name}-{secrets.token_hex(4)}"
        answer = self.call("PUT", f"/{bucket}")
        assert answer.status == 200, answer
        return bucket


# Where the real servers differ from S3, seen when the harness ran against them directly: a name
# leaves
# a whole case unasserted, `name:code` only its error code. Nothing here is ever applied to Forebay.
DIVERGES = {
    "radosgw": {
        "trailers",  # version 16 knows no trailer uploads
        "checksums",  # nor flexible checksums: taken and forgotten
        "crc32-header",
        "content-encoding",  # stores aws-chunked
        "stream-signed-empty",
        "chunk-first:code",
        "chunk-last:code",
        "decoded-length:code",
    },
    "seaweedfs": {
        "content-encoding",
        "payload-hash",  # accepts a body that is not the one that was signed
        "decoded-length",  # accepts a body shorter than announced
        "chunk-first:code",
        "chunk-last:code",  # 500 InternalError
        "trailer-signed-checksum:code",
        "trailer-unsigned-checksum:code",
        "trailer-signed-missing:code",
        "trailer-unsigned-missing:code",
        "md5-malformed:code",
    },
}
