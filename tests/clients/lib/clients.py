"""Foreign S3 clients, unmodified, behind one small interface, each with a private HOME and
configuration.
"""

import json
import shutil
import tempfile
from pathlib import Path

from . import proc, sigv4

REGION = "us-east-1"


def boto3_client(
    endpoint,
    access_key,
    secret_key,
    ca=None,
    style="path",
    retries=1,
    pool=64,
    checksums="when_supported",
    signature=None,
):
    """A boto3 S3 client for `endpoint` that reads no configuration of the machine."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(
        aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=REGION
    )
    return session.client(
        "s3",
        endpoint_url=endpoint,
        verify=str(ca) if ca else True,
        config=Config(
            signature_version=signature,
            s3={"addressing_style": style},
            retries={"total_max_attempts": retries},
            connect_timeout=10,
            read_timeout=120,
            max_pool_connections=pool,
            request_checksum_calculation=checksums,
            proxies={},
        ),
    )


class Client:
    """What every client can do; where one cannot (`can_…`), the harness signs the request by
    itself.
    """

    name = ""
    can_presign_get = False
    can_presign_put = False
    can_range = True

    def __init__(self, target):
        self.target = target
        self.home = Path(tempfile.mkdtemp(prefix=f"forebay-{self.name}-"))
        self.env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(self.home),
        }
        self.configure()

    def configure(self):
        """Writes the client's private configuration."""

    def close(self):
        """Removes the client's private files."""
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, *argv, seconds=180):
        """Runs the client's program to its end and returns what it printed on stdout."""
        return proc.run(argv, seconds=seconds, env=self.env).stdout

    def read_range(self, bucket, key, first, last):
        """Reads bytes first…last into memory."""
        raise NotImplementedError

    def presign(self, method, bucket, key, expires=300):
        """Presigns with the harness's own signer, for clients that cannot."""
        signer = sigv4.Signer(self.target.access_key, self.target.secret_key, REGION)
        host = self.target.endpoint.split("//")[1]
        path = f"/{bucket}/{sigv4.quote(key, safe='/-_.~')}"
        return f"{self.target.endpoint}{path}?{signer.presign(method, host, path, expires)}"


class Boto3(Client):
    """boto3 with its transfer manager, in this process."""

    name = "boto3"
    can_presign_get = can_presign_put = True

    def configure(self):
        self.s3 = self.target.boto3()
        # Left to itself boto3 presigns with V2 for us-east-1 on any endpoint; only V4 is offered
        # here.
        self.presigner = self.target.boto3(signature="s3v4")

    def make_bucket(self, bucket):
        """Creates a bucket."""
        self.s3.create_bucket(Bucket=bucket)

    def remove_bucket(self, bucket):
        """Removes an empty bucket."""
        self.s3.delete_bucket(Bucket=bucket)

    def put(self, bucket, key, path):
        """Uploads a file, in parts from 8 MiB on."""
        self.s3.upload_file(str(path), bucket, key)

    def get(self, bucket, key, path):
        """Downloads an object, by parallel ranges from 8 MiB on."""
        self.s3.download_file(bucket, key, str(path))

    def read_range(self, bucket, key, first, last):
        return self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")[
            "Body"
        ].read()

    def list(self, bucket, prefix):
        """Lists keys under a prefix, by pages of 700 with V2 and by pages of 1,000 with V1; both
        must agree.
        """
        found = []
        for name, size in (("list_objects_v2", 700), ("list_objects", 1000)):
            pages = self.s3.get_paginator(name).paginate(
                Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": size}
            )
            found.append([o["Key"] for page in pages for o in page.get("Contents", [])])
        assert found[0] == found[1]
        return found[0]

    def delete(self, bucket, *keys):
        """Deletes objects: one by DeleteObject, several by DeleteObjects."""
        if len(keys) == 1:
            self.s3.delete_object(Bucket=bucket, Key=keys[0])
            return
        answer = self.s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys]}
        )
        assert not answer.get("Errors"), answer

    def presign(self, method, bucket, key, expires=300):
        operation = {"GET": "get_object", "PUT": "put_object"}[method]
        return self.presigner.generate_presigned_url(
            operation, Params={"Bucket": bucket, "Key": key}, ExpiresIn=expires
        )


class AwsCli(Client):
    """The AWS CLI v2 as Debian ships it."""

    name = "awscli"
    can_presign_get = True

    def configure(self):
        self.env |= {
            "AWS_ACCESS_KEY_ID": self.target.access_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": self.target.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        # AWS CLI 2.9 signs presigned URLs with V2 on a custom endpoint unless told otherwise.
        config = self.home / ".aws" / "config"
        config.parent.mkdir()
        config.write_text(
            "[default]\ns3 =\n  signature_version = s3v4\n  addressing_style = path\n"
        )
        if self.target.ca:
            self.env["AWS_CA_BUNDLE"] = str(self.target.ca)

    def aws(self, *argv):
        """Runs one aws command against the target."""
        return self.run(
            "/usr/bin/aws", "--endpoint-url", self.target.endpoint, "--output", "json", *argv
        )

    def make_bucket(self, bucket):
        """Creates a bucket."""
        self.aws("s3", "mb", f"s3://{bucket}")

    def remove_bucket(self, bucket):
        """Removes an empty bucket."""
        self.aws("s3", "rb", f"s3://{bucket}")

    def put(self, bucket, key, path):
        """Uploads a file, in parts from 8 MiB on."""
        self.aws("s3", "cp", "--no-progress", path, f"s3://{bucket}/{key}")

    def get(self, bucket, key, path):
        """Downloads an object, by parallel ranges from 8 MiB on."""
        self.aws("s3", "cp", "--no-progress", f"s3://{bucket}/{key}", path)

    def read_range(self, bucket, key, first, last):
        out = self.home / "range"
        self.aws(
            "s3api",
            "get-object",
            "--bucket",
            bucket,
            "--key",
            key,
            "--range",
            f"bytes={first}-{last}",
            out,
        )
        return out.read_bytes()

    def list(self, bucket, prefix):
        """Lists keys under a prefix with list-objects-v2, by pages of 1,000."""
        out = self.aws(
            "s3api",
            "list-objects-v2",
            "--bucket",
            bucket,
            "--prefix",
            prefix,
            "--page-size",
            "1000",
            "--query",
            "Contents[].Key",
        )
        return json.loads(out) or []

    def delete(self, bucket, *keys):
        """Deletes objects: one by `s3 rm`, several by DeleteObjects."""
        if len(keys) == 1:
            self.aws("s3", "rm", f"s3://{bucket}/{keys[0]}")
            return
        listed = json.dumps({"Objects": [{"Key": k} for k in keys]})
        self.aws("s3api", "delete-objects", "--bucket", bucket, "--delete", listed)

    def presign(self, method, bucket, key, expires=300):
        if method != "GET":
            return super().presign(method, bucket, key, expires)
        return (
            self.aws("s3", "presign", "--expires-in", expires, f"s3://{bucket}/{key}")
            .decode()
            .strip()
        )


class S3cmd(Client):
    """s3cmd as Debian ships it; it lists with V1 and asks for the bucket's location before most
    things.
    """

    name = "s3cmd"
    can_range = False  # only as the continuation of a partial download

    def configure(self):
        scheme, host = self.target.endpoint.split("://")
        lines = {
            "access_key": self.target.access_key,
            "secret_key": self.target.secret_key,
            "host_base": host,
            "host_bucket": host,
            "use_https": str(scheme == "https"),
            "bucket_location": REGION,
            "signature_v2": "False",
            "max_retries": "1",
            "multipart_chunk_size_mb": "8",
            "check_ssl_hostname": "True",
        }
        if self.target.ca:
            lines["ca_certs_file"] = str(self.target.ca)
        (self.home / "cfg").write_text(
            "[default]\n" + "".join(f"{n} = {v}\n" for n, v in lines.items())
        )

    def s3cmd(self, *argv):
        """Runs one s3cmd command against the target."""
        return self.run("/usr/bin/s3cmd", "-c", self.home / "cfg", "--no-progress", *argv)

    def make_bucket(self, bucket):
        """Creates a bucket."""
        self.s3cmd("mb", f"s3://{bucket}")

    def remove_bucket(self, bucket):
        """Removes an empty bucket."""
        self.s3cmd("rb", f"s3://{bucket}")

    def put(self, bucket, key, path):
        """Uploads a file, in parts of 8 MiB when it is larger."""
        self.s3cmd("put", path, f"s3://{bucket}/{key}")

    def get(self, bucket, key, path):
        """Downloads an object; s3cmd compares its MD5 with the ETag when that has no dash."""
        self.s3cmd("get", "--force", f"s3://{bucket}/{key}", path)

    def read_range(self, bucket, key, first, last):
        """Reads the tail from `first` by continuing a partial file; s3cmd has no other ranges."""
        partial = self.home / "partial"
        partial.write_bytes(b"\0" * first)
        self.s3cmd("get", "--continue", f"s3://{bucket}/{key}", partial)
        return partial.read_bytes()[first : last + 1]

    def list(self, bucket, prefix):
        """Lists keys under a prefix with ListObjects V1."""
        out = self.s3cmd("ls", "--recursive", f"s3://{bucket}/{prefix}").decode()
        return [line.split(f"s3://{bucket}/", 1)[1] for line in out.splitlines()]

    def delete(self, bucket, *keys):
        """Deletes objects; s3cmd sends DeleteObjects for several."""
        self.s3cmd("rm", *(f"s3://{bucket}/{k}" for k in keys))


class Rclone(Client):
    """rclone as Debian ships it; it lists with V1 and sends UNSIGNED-PAYLOAD with Content-MD5, over
    http too.
    """

    name = "rclone"
    can_presign_get = True

    def configure(self):
        self.config = self.home / "rclone.conf"
        self.config.write_text(
            "[t]\ntype = s3\nprovider = Other\nenv_auth = false\nforce_path_style = true\n"
            f"access_key_id = {self.target.access_key}\n"
            f"secret_access_key = {self.target.secret_key}\n"
            f"endpoint = {self.target.endpoint}\nregion = {REGION}\n"
            "upload_cutoff = 8Mi\nchunk_size = 8Mi\nlist_chunk = 1000\n"
        )

    def rclone(self, *argv):
        """Runs one rclone command against the target."""
        extra = ["--ca-cert", self.target.ca] if self.target.ca else []
        return self.run(
            "/usr/bin/rclone",
            "--config",
            self.config,
            "--retries",
            "1",
            "--low-level-retries",
            "1",
            *extra,
            *argv,
        )

    def make_bucket(self, bucket):
        """Creates a bucket."""
        self.rclone("mkdir", f"t:{bucket}")

    def remove_bucket(self, bucket):
        """Removes an empty bucket."""
        self.rclone("rmdir", f"t:{bucket}")

    def put(self, bucket, key, path):
        """Uploads a file, in parts from 8 MiB on; rclone checks size and hash afterwards."""
        self.rclone("copyto", path, f"t:{bucket}/{key}")

    def get(self, bucket, key, path):
        """Downloads an object by parallel ranges where it is large."""
        self.rclone("copyto", "--multi-thread-cutoff", "10Mi", f"t:{bucket}/{key}", path)

    def read_range(self, bucket, key, first, last):
        return self.rclone(
            "cat", "--offset", first, "--count", last - first + 1, f"t:{bucket}/{key}"
        )

    def list(self, bucket, prefix):
        """Lists keys under a prefix with ListObjects V1."""
        out = self.rclone(
            "lsf", "-R", "--files-only", "--fast-list", f"t:{bucket}/{prefix}"
        ).decode()
        return [prefix + line for line in out.splitlines()]

    def delete(self, bucket, *keys):
        """Deletes objects one by one."""
        for key in keys:
            self.rclone("deletefile", f"t:{bucket}/{key}")

    def presign(self, method, bucket, key, expires=300):
        if method != "GET":
            return super().presign(method, bucket, key, expires)
        return self.rclone("link", "--expire", f"{expires}s", f"t:{bucket}/{key}").decode().strip()


ALL = {c.name: c for c in (Boto3, AwsCli, S3cmd, Rclone)}
