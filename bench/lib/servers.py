"""The servers under measurement and the origin behind them, each on a free port of loopback.

All run with the preload that sets cubic on their sockets, so congestion control is equal.
"""

import json
import os
import random
import shutil
import socket
import subprocess
import time

from .proc import BenchError, Process

ACCESS_KEY = "benchaccesskey000001"
SECRET_KEY = "bench-secret-key-for-loopback-only-00001"
BUCKET = "bench"
SMALL = 4 << 10
LARGE = 16 << 20
# The objects at the origin, and their sizes.
OBJECTS = {"small": SMALL, "64k": 64 << 10, "1m": 1 << 20, "large": LARGE, "huge": 256 << 20}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(process, port, timeout=20):
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.popen.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise BenchError(f"{process.name} does not listen; {process.last_words()}")


def credentials():
    names = ("AWS_ACCESS_KEY_ID", "FOREBAY_ROOT_ACCESS_KEY")
    secrets = ("AWS_SECRET_ACCESS_KEY", "FOREBAY_ROOT_SECRET_KEY")
    return dict.fromkeys(names, ACCESS_KEY) | dict.fromkeys(secrets, SECRET_KEY)


class Setup:
    """Where programs and folders are, and on which cores what runs."""

    def __init__(self, build, work, server_cpu=0, client_cpu=1, nice=0, forebay=None):
        self.build = build
        self.work = work
        self.server_cpu = server_cpu
        self.client_cpu = client_cpu
        self.nice = nice
        self.forebay = forebay or os.path.join(build, "forebay")
        self.venv = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".venv")
        self.bench = os.path.join(build, "bench")
        if not os.path.exists(os.path.join(self.bench, "loadgen")):
            self.bench = build  # bench/ built alone

    def tool(self, name):
        path = os.path.join(self.bench, name)
        if not os.path.exists(path):
            raise BenchError(f"{path} is not built")
        return path

    def environment(self):
        return os.environ | credentials() | {"LD_PRELOAD": self.tool("cubic_preload.so")}

    def folder(self, name):
        path = os.path.join(self.work, name)
        os.makedirs(path, exist_ok=True)
        return path


NGINX_HEAD = """
daemon off; worker_processes 1; worker_rlimit_nofile 20000;
user {user};
pid {dir}/pid; error_log {dir}/error.log error;
events {{ worker_connections 8192; use epoll; multi_accept on; }}
http {{
  access_log off; default_type application/octet-stream; types {{ }}
  sendfile on; tcp_nopush {nopush}; tcp_nodelay on;
  keepalive_timeout 600s; keepalive_requests 100000000;
  open_file_cache max=200000 inactive=1h; open_file_cache_valid 1h; open_file_cache_min_uses 1;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  client_max_body_size 0;
"""

# One file of each size stands for any number of objects: every key below small/ has the bytes of
# one, every key below large/ those of another. So an endless supply of cold objects costs no file
# creation and is always in the origin's page cache. The rest answers what a bucket is asked
# when it is registered: does it exist, can it be listed, can a probe object be put and deleted.
NGINX_ORIGIN = NGINX_HEAD + """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {files};
    {objects}
    location = /{bucket} {{ default_type application/xml; return 200 '{listing}'; }}
    location = /{bucket}/ {{ default_type application/xml; return 200 '{listing}'; }}
    location /{bucket}/ {{
      root {dir}/probes; dav_methods PUT DELETE; create_full_put_path on;
    }}
  }}
}}
"""

LISTING = ('<?xml version="1.0" encoding="UTF-8"?>'
           '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name>'
           "<Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>"
           "<IsTruncated>false</IsTruncated></ListBucketResult>")

# Measured: small answers are cheapest with a first buffer of 16k (of 4k, 8k, 16k, 64k), large
# misses with buffers of 64k or more: 0.5 CPU-s/GB instead of 0.9 with nginx's own defaults.
TUNED_BUFFERS = {"buffer": "16k", "buffers": "8 64k", "busy": "128k"}
DEFAULT_BUFFERS = {"buffer": "4k", "buffers": "8 4k", "busy": "8k"}

NGINX_PROXY = NGINX_HEAD + """
  proxy_cache_path {cache} levels=1:2 keys_zone=bench:128m inactive=1d max_size=100g
                   use_temp_path=off;
  upstream origin {{
    server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 100000000;
    keepalive_timeout 600s;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache bench; proxy_cache_key $uri; proxy_cache_valid 200 1d;
      proxy_buffer_size {buffer}; proxy_buffers {buffers}; proxy_busy_buffers_size {busy};
      add_header X-Cache $upstream_cache_status;
    }}
  }}
}}
"""


NGINX_DAV = NGINX_HEAD + """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    client_body_buffer_size 128k;
    location / {{ root {files}; dav_methods PUT DELETE; create_full_put_path on; }}
  }}
}}
"""


def _start_nginx(setup, name, template, cpu, **values):
    folder = setup.folder(name)
    port = free_port()
    config = os.path.join(folder, "nginx.conf")
    values = {"dir": folder, "port": port, "nopush": "off", "bucket": BUCKET,
              "user": "root" if os.geteuid() == 0 else "nobody"} | values
    with open(config, "w") as file:
        file.write(template.format(**values))
    log = os.path.join(folder, "error.log")
    process = Process(name, ["nginx", "-p", folder, "-c", config, "-e", log], cpu=cpu,
                      env=setup.environment(), log=log, nice=setup.nice)
    wait_for_port(process, port)
    process.port = port
    process.signed = False
    return process


def make_files(setup, names):
    """The contents of these objects: incompressible, and by their seeds the same in every run."""
    files = setup.folder("origin-files")
    for name in names:
        with open(os.path.join(files, name), "wb") as file:
            bytes_of = random.Random(name)
            for _ in range(0, OBJECTS[name], SMALL):
                file.write(bytes_of.randbytes(SMALL))
    return files


def start_origin(setup, names=("small", "large")):
    files = make_files(setup, names)
    objects = "\n    ".join(
        f"location /{BUCKET}/{name}/ {{ try_files /{name} =404; }}" for name in names)
    process = _start_nginx(setup, "origin", NGINX_ORIGIN, setup.client_cpu, files=files,
                           objects=objects, listing=LISTING, nopush="on")
    process.files = files
    return process


def with_origin(setup, body):
    """Calls `body` with a running origin and removes the setup's folder; False, and the reason is
    printed, when it could not be measured."""
    try:
        origin = start_origin(setup)
        try:
            body(origin)
        finally:
            origin.stop()
    except BenchError as error:
        print(f"NOT MEASURED: {error}")
        return False
    finally:
        shutil.rmtree(setup.work, ignore_errors=True)
    return True


def start_nginx_cache(setup, origin, cache, name="nginx", buffers=None):
    os.makedirs(cache, exist_ok=True)
    return _start_nginx(setup, name, NGINX_PROXY, setup.server_cpu, cache=cache,
                        origin=origin.port, **(buffers or TUNED_BUFFERS))


def start_dav(setup, files, name="dav"):
    """nginx as a store: bodies into a temporary file beside the others, then renamed."""
    os.makedirs(files, exist_ok=True)
    return _start_nginx(setup, name, NGINX_DAV, setup.server_cpu, files=files, dir=files)


def certificate(setup):
    """A certificate for loopback and its key."""
    folder = setup.folder("tls")
    names = [os.path.join(folder, name) for name in ("cert.pem", "key.pem")]
    if not os.path.exists(names[1]):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-out", names[0], "-keyout", names[1]], check=True, capture_output=True)
    return names


NGINX_FILES = NGINX_HEAD + """
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
    ssl_buffer_size {record};
    root {files};
  }}
}}
"""


def start_nginx_files(setup, folder, name="files"):
    """nginx serving the folder above `folder`'s bucket over TLS."""
    cert, key = certificate(setup)
    root = folder.rsplit(f"/{BUCKET}/", 1)[0]
    return _start_nginx(setup, name, NGINX_FILES, setup.server_cpu, files=root, cert=cert, key=key,
                        record="16k")


def _start_tool(setup, name, cpu, *words):
    """One of our own small servers, which says where it listens."""
    process = Process(name, [setup.tool(name), *words], cpu=cpu, env=setup.environment(),
                      log=os.path.join(setup.folder(name), "log"), nice=setup.nice)
    process.port = int(process.line().rsplit(":", 1)[1])
    process.signed = False
    return process


def start_rawsend(setup, folder):
    return _start_tool(setup, "rawsend", setup.server_cpu, "--dir", folder)


def start_rawrelay(setup, origin, keep, data):
    """The least that passes answers on and keeps them in `data`."""
    os.makedirs(data, exist_ok=True)
    return _start_tool(setup, "rawrelay", setup.server_cpu, "--origin",
                       f"127.0.0.1:{origin.port}", "--keep", keep, "--dir", data)


def start_far_origin(setup, origin, delay, rate):
    """The origin, which hears what it is asked after `delay` milliseconds, and gives each
    connection `rate` bytes a second (0: no limit)."""
    process = _start_tool(setup, "far", setup.client_cpu, "--origin", f"127.0.0.1:{origin.port}",
                          "--delay", delay, "--rate", rate)
    process.files = origin.files
    return process


def start_seaweed(setup, data):
    """SeaweedFS as an S3 store on a disk of its own, with one bucket."""
    os.makedirs(data, exist_ok=True)
    weed = os.path.join(setup.venv, "bin", "weed")
    if not os.path.exists(weed):
        raise BenchError(f"{weed} is missing: scripts/venv.sh installs it")
    config = os.path.join(data, "s3.json")
    with open(config, "w") as file:
        json.dump({"identities": [{
            "name": "owner", "actions": ["Admin", "Read", "Write", "List"],
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]}]}, file)
    ports = {name: free_port() for role in ("master", "volume", "filer", "s3")
             for name in (f"{role}.port", f"{role}.port.grpc")}
    process = Process(
        "seaweed",
        [weed, "-v=0", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={data}",
         "-master.volumeSizeLimitMB=1024", "-volume.max=50", "-volume.minFreeSpace=1", "-filer",
         "-s3", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0",
         f"-s3.localSocket={data}/s3.sock", f"-filer.localSocket={data}/filer.sock",
         *(f"-{name}={port}" for name, port in ports.items())],
        cpu=setup.server_cpu, env=setup.environment() | {"HOME": data},
        log=os.path.join(setup.folder("seaweed"), "log"), nice=setup.nice)
    process.port = ports["s3.port"]
    process.signed = True
    make = ["s3cmd", f"--access_key={ACCESS_KEY}", f"--secret_key={SECRET_KEY}", "--no-ssl",
            f"--host=127.0.0.1:{process.port}", "--host-bucket=", "mb", f"s3://{BUCKET}"]
    try:
        wait_for_port(process, process.port, 60)
        for _ in range(30):  # its volumes come some seconds after its S3 endpoint
            if subprocess.run(make, capture_output=True, timeout=60).returncode == 0:
                return process
            time.sleep(1)
        raise BenchError("seaweed makes no bucket")
    except BaseException:
        process.stop()
        raise


def start_forebay(setup, origin, data, freshness, memory=None, threads=1, name="forebay",
                  register=True, tls=False):
    """The daemon with one bucket in front of the origin, a native one without; `register`: it has
    none there yet."""
    if not os.path.exists(setup.forebay):
        raise BenchError(f"{setup.forebay} is not built")
    os.makedirs(data, exist_ok=True)
    command = [setup.forebay, "serve", "--data", data, "--s3", "127.0.0.1:0",
               "--admin", "127.0.0.1:0", "--threads", threads]
    if tls:
        cert, key = certificate(setup)
        command += ["--tls-cert", cert, "--tls-key", key]
    if memory:
        command += ["--memory", memory]
    log = os.path.join(setup.folder(name), "log")
    cpu = setup.server_cpu if threads == 1 else None
    process = Process(name, command, cpu=cpu, env=setup.environment(), log=log, nice=setup.nice)
    try:
        line = process.line()
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if not line.startswith("ready ") or not {"s3", "admin"} <= words.keys():
            raise BenchError(f"forebay said {line!r} instead of ready")
        process.port = int(words["s3"].rsplit(":", 1)[1])
        process.admin = words["admin"]
        process.signed = True
        if not register:
            return process
        kind = ["--native"]
        if origin:
            url = f"s3://{BUCKET}?endpoint=http://127.0.0.1:{origin.port}&region=us-east-1"
            kind = ["--origin", url, "--freshness", freshness]
        made = subprocess.run(
            [setup.forebay, "bucket", "create", BUCKET, *kind, "--admin", words["admin"]],
            env=os.environ | credentials(), capture_output=True, text=True, timeout=60)
        if made.returncode != 0:
            raise BenchError(f"bucket create failed: {made.stdout}{made.stderr}".strip())
    except BaseException:
        process.stop()
        raise
    return process
