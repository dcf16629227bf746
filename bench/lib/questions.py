"""The questions of the benchmark: what is asked of whom, by which load, against which bar."""

import os
import shutil
from dataclasses import dataclass, field

from .client import run_load
from .journal import JournaledDisk
from .memory import warm_pages
from .proc import BenchError
from .servers import (BUCKET, DEFAULT_BUFFERS, LARGE, SMALL, start_dav, start_forebay,
                      start_nginx_cache, start_nginx_files, start_origin, start_rawsend)

MICROS = ("us/request", lambda r: 1e6 * r["server_cpu"] / r["requests"])
PER_GB = ("CPU-s/GB", lambda r: 1e9 * r["server_cpu"] / r["bytes"])
RATE = ("k req/s", lambda r: 1e-3 * r["requests"] / r["wall"])
WALL_PER_GB = ("wall s/GB", lambda r: 1e9 * r["wall"] / r["bytes"])
SPEED = ("GB/s", lambda r: 1e-9 * r["bytes"] / r["wall"])
WARM_AT_LEAST = 256 << 20


@dataclass
class Question:
    name: str
    text: str
    bar: float           # upper limit of subject / peer
    peer: str            # "nginx" (proxy_cache), "rawsend", or "default": Forebay's own budget
    objects: str         # "small" or "large"
    cold: bool
    count: int           # requests of a round; when cold, as many new objects
    connections: int
    figure: tuple = PER_GB
    wall: tuple = SPEED
    objects_warm: int = 0
    peer_buffers: dict = None   # of proxy_cache; None = tuned
    memory: str = None          # the subject's budget; None = its default
    memory_cache: bool = False  # both caches on tmpfs
    journal: bool = False       # both caches on an ext4 with a journal
    settle: float = 0.0
    harder: bool = False        # than the bar asks: shown, does not decide
    tls: bool = False
    put: int = 0                # bytes of each PUT; 0: GETs
    options: dict = field(default_factory=dict)  # for loadgen


QUESTIONS = [
    Question("warm-small", "GET 4 KiB from cache, 32 connections; Forebay checks SigV4, nginx "
             "proxy_cache checks nothing", 1.0, "nginx", "small", False, 60000, 32,
             MICROS, RATE, objects_warm=256),
    Question("warm-large", "GET 16 MiB from cache, 4 connections, against a raw sendfile loop",
             1.3, "rawsend", "large", False, 384, 4, objects_warm=16),
    Question("warm-large-trunc", "the same with a client that discards (MSG_TRUNC): the server "
             "pays for its own sending", 1.3, "rawsend", "large", False, 384, 4,
             objects_warm=16, options={"discard": True}),
    Question("budget-64", "GET 16 MiB from cache, 4 connections, with a budget of 64 MiB, against "
             "the default budget: seconds of wall per GB", 1.25, "default", "large", False, 384, 4,
             WALL_PER_GB, objects_warm=16, memory="64MiB"),
    Question("budget-256", "the same with 256 MiB", 1.25, "default", "large", False, 384, 4,
             WALL_PER_GB, objects_warm=16, memory="256MiB"),
    Question("cold-large", "GET 16 MiB, first time, 4 connections, against an nginx proxy_cache "
             "miss with the best buffers found, both caches on disk", 0.7, "nginx", "large", True,
             16, 4, settle=0.5, harder=True),
    Question("cold-large-default", "the same against nginx with the proxy buffers it has by "
             "default", 0.7, "nginx", "large", True, 16, 4, settle=0.5,
             peer_buffers=DEFAULT_BUFFERS),
    Question("cold-small", "GET 4 KiB, first time, 16 connections, against an nginx proxy_cache "
             "miss, both caches on tmpfs", 0.5, "nginx", "small", True, 8000, 16,
             MICROS, RATE, memory_cache=True, settle=0.5, harder=True),
    Question("cold-small-journal", "the same with both caches on a journaled ext4 (a loop image)",
             0.5, "nginx", "small", True, 8000, 16, MICROS, RATE, journal=True, settle=0.5),
    Question("tls-large", "GET 16 MiB over TLS 1.3 from cache, 4 connections, against "
             "nginx over TLS with the same files", 1 / 1.25, "files", "large", False, 192,
             4, objects_warm=16, tls=True),
    Question("put-1m", "PUT 1 MiB into a native bucket, 4 connections: MD5 for the ETag, synced; "
             "against nginx DAV, which does neither", 1 / 1.5, "dav", "put", True, 128, 4,
             settle=0.5, put=1 << 20),
    Question("put-16m", "the same with 16 MiB", 1 / 1.5, "dav", "put", True, 16, 4, settle=0.5,
             put=16 << 20),
]


class Arena:
    """Origin, subject and peer of one question, for as long as it is being measured."""

    def __init__(self, setup, question, args):
        self.setup = setup
        self.question = question
        self.args = args
        self.servers = []
        self.disk = JournaledDisk(setup.work) if question.journal else None
        parent = ("/dev/shm" if question.memory_cache else
                  self.disk.path if self.disk else setup.work)
        self.cache = os.path.join(parent, f"forebay-bench-{os.getpid()}-{question.name}")
        self.round = 0

    def __enter__(self):
        try:
            if self.disk:
                self.disk.__enter__()
            self.origin = self._keep(start_origin(self.setup))
            self.subject = self._keep(self._start_subject())
            self.peer = self._keep(self._start_peer())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):
            server.stop()
        # Only now: creating files after many were unlinked is slow on ext4 without a journal.
        shutil.rmtree(self.cache, ignore_errors=True)
        if self.disk and os.path.exists(self.disk.image):
            self.disk.__exit__()

    def _keep(self, server):
        self.servers.append(server)
        return server

    def _start_subject(self):
        data = os.path.join(self.cache, "subject")
        if self.args.self_check:
            return self._start_twin(data)
        return start_forebay(self.setup, None if self.question.put else self.origin, data,
                             self.args.freshness, self.question.memory,
                             tls=self.question.tls)

    def _start_twin(self, data):
        """A second peer in the place of the subject: its ratio shows the error of the method."""
        if self.question.peer == "default":
            return self._start_default(data, "twin")
        if self.question.peer == "dav":
            return start_dav(self.setup, data, "twin")
        if self.question.peer == "files":
            return start_nginx_files(self.setup, self._raw_files(f"twin/{BUCKET}/large"), "twin")
        if self.question.peer == "rawsend":
            return start_rawsend(self.setup, self._raw_files("twin"))
        return start_nginx_cache(self.setup, self.origin, data, "twin", self.question.peer_buffers)

    def _start_default(self, data, name):
        return start_forebay(self.setup, self.origin, data, self.args.freshness, name=name)

    def _start_peer(self):
        if self.question.peer == "default":
            return self._start_default(os.path.join(self.cache, "peer"), "default")
        if self.question.peer == "dav":
            return start_dav(self.setup, os.path.join(self.cache, "peer"))
        if self.question.peer == "files":
            return start_nginx_files(self.setup, self._raw_files(f"nginx/{BUCKET}/large"))
        if self.question.peer == "rawsend":
            return start_rawsend(self.setup, self._raw_files("raw"))
        return start_nginx_cache(self.setup, self.origin, os.path.join(self.cache, "peer"),
                                 buffers=self.question.peer_buffers)

    def _raw_files(self, name):
        """As many files as the subject has objects, so that both fill the same page cache."""
        folder = os.path.join(self.cache, name)
        os.makedirs(folder)
        source = os.path.join(self.origin.files, self.question.objects)
        for number in range(self.question.objects_warm):
            shutil.copyfile(source, os.path.join(folder, f"{number:06d}"))
        return folder

    def keys(self, label):
        count = self.question.count if self.question.cold else self.question.objects_warm
        prefix = f"/{BUCKET}/{self.question.objects}"
        if self.question.cold:
            prefix += f"/{label}"
        return [f"{prefix}/{number:06d}" for number in range(count)]

    def load(self, server, label, **options):
        """One measured run on one server; BenchError if the answers are not what was asked."""
        question = self.question
        size = question.put or (SMALL if question.objects == "small" else LARGE)
        options = {"requests": question.count, "connections": question.connections,
                   "timeout": 120} | question.options | options
        if question.tls:
            options["tls"] = True
        options |= {"put": size} if question.put else {"expect_length": size}
        if question.cold:
            warm_pages(max(WARM_AT_LEAST, 3 * question.count * size))
        result = run_load(self.setup, server, self.keys(label), settle=question.settle, **options)
        mute = question.peer in ("rawsend", "files") and (
            server is self.peer or self.args.self_check)
        if not mute and not question.put:
            self._check_cache(server, result)
        return result

    def _check_cache(self, server, result):
        wanted = {"miss"} if self.question.cold else {"hit"}
        if set(result["x_cache"]) != wanted:
            raise BenchError(f"{server.name}: X-Cache {result['x_cache']}, wanted {wanted}")

    def warm_up(self):
        """Fills the caches, checks every byte once, and lets both sides open their pools."""
        if self.question.put:
            for server in (self.subject, self.peer):
                self.load(server, "warm")
            return
        content = os.path.join(self.origin.files, self.question.objects)
        for server in (self.subject, self.peer):
            count = self.question.count if self.question.cold else self.question.objects_warm
            run_load(self.setup, server, self.keys("check"), settle=0.5, requests=count,
                     connections=self.question.connections, verify=content,
                     tls=self.question.tls)
            if not self.question.cold:
                self.load(server, "warm")
