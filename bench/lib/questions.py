"""The questions of the benchmark: what is asked of whom, by which load, against which bar."""

from dataclasses import dataclass, field

from .servers import DEFAULT_BUFFERS, LARGE, OBJECTS

MICROS = ("us/request", lambda r: 1e6 * r["server_cpu"] / r["requests"])
PER_GB = ("CPU-s/GB", lambda r: 1e9 * r["server_cpu"] / r["bytes"])
RATE = ("k req/s", lambda r: 1e-3 * r["requests"] / r["wall"])
WALL_PER_GB = ("wall s/GB", lambda r: 1e9 * r["wall"] / r["bytes"])
SPEED = ("GB/s", lambda r: 1e-9 * r["bytes"] / r["wall"])


@dataclass
class Question:
    name: str
    text: str
    bar: float           # upper limit of subject / peer
    peer: str            # a server of arena.py; "default": Forebay with its own budget
    objects: str         # of the origin (servers.OBJECTS)
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
    delay: int = 0              # milliseconds until an answer of the origin begins
    rate: int = 0               # bytes a second it gives each connection; 0: no limit
    harder: bool = False        # than the bar asks: shown, does not decide
    tls: bool = False
    put: int = 0                # bytes of each PUT; 0: GETs
    stored: int = 0             # keys that are PUT first; then both sides are stores
    lists: bool = False         # pages of the stored keys
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
             settle=0.5, put=OBJECTS["1m"]),
    Question("put-16m", "the same with 16 MiB", 1 / 1.5, "dav", "put", True, 16, 4, settle=0.5,
             put=LARGE),
    *(Question(f"direct-{name}", f"GET {text}, first time, 4 connections, from an origin 10 ms "
               "away, against that origin itself: seconds of wall per GB", 1 / 0.97, "origin",
               objects, True, count, 4, WALL_PER_GB, settle=settle, delay=10)
      for name, text, objects, count, settle in
      [("64k", "64 KiB", "64k", 512, 0.1), ("1m", "1 MiB", "1m", 128, 0.1),
       ("16m", "16 MiB", "large", 16, 0.5), ("256m", "256 MiB", "huge", 4, 1)]),
    Question("direct-limited", "the same with 256 MiB, one connection, and an origin that gives "
             "each connection 64 MiB/s", 1.0, "origin", "huge", True, 1, 1, WALL_PER_GB,
             settle=0.5, delay=10, rate=64 << 20),
    Question("relay-large", "GET 16 MiB, first time, 4 connections, against the least that passes "
             "it on and writes it past the page cache", 1.3, "relay", "large", True, 16, 4,
             settle=0.5),
    Question("relay-small", "GET 4 KiB, first time, 16 connections, against the least that passes "
             "it on and appends it to a file, both on tmpfs", 2.0, "append", "small", True, 8000,
             16, MICROS, RATE, memory_cache=True, settle=0.5),
    *(Question(f"seaweed-get-{name}", f"GET {text} from a native bucket, {connections} "
               "connections, against SeaweedFS", 0.5, "seaweed", objects, False, count,
               connections, MICROS, RATE, stored=stored)
      for name, text, objects, count, connections, stored in
      [("4k", "4 KiB", "small", 4000, 16, 256), ("16m", "16 MiB", "large", 64, 4, 16)]),
    *(Question(f"seaweed-put-{name}", f"PUT {text} into a native bucket, {connections} "
               "connections, against SeaweedFS, which does not sync", 0.5, "seaweed", objects,
               True, count, connections, MICROS, RATE, settle=0.5, put=OBJECTS[objects])
      for name, text, objects, count, connections in
      [("4k", "4 KiB", "small", 2000, 16), ("1m", "1 MiB", "1m", 128, 4),
       ("16m", "16 MiB", "large", 16, 4)]),
    Question("seaweed-list", "pages of 1000 keys of a bucket of 10,000, 4 connections, against "
             "SeaweedFS", 0.5, "seaweed", "small", False, 200, 4, MICROS, RATE, stored=10000,
             lists=True),
]
