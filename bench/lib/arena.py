"""Where a question is measured: its origin, Forebay and its peer, and the load on either."""

import os
import shutil

from .client import congestion_of, run_load
from .journal import JournaledDisk
from .memory import warm_pages
from .proc import BenchError
from .servers import (BUCKET, OBJECTS, start_dav, start_forebay, start_nginx_cache,
                      start_far_origin, start_nginx_files, start_origin, start_rawrelay,
                      start_rawsend, start_seaweed)

WARM_AT_LEAST = 256 << 20
CACHES = ("nginx", "default")  # peers that say what of an answer was cached
STORES = ("dav", "seaweed")    # peers that are stores: Forebay then has a native bucket


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
        self.size = question.put or OBJECTS[question.objects]

    def __enter__(self):
        try:
            if self.disk:
                self.disk.__enter__()
            names = ("small",) if self.question.put else (self.question.objects,)
            self.origin = self._keep(start_origin(self.setup, names))
            if self.question.delay:
                self.origin = self._keep(
                    start_far_origin(self.setup, self.origin, self.question.delay,
                                     self.question.rate))
            self.subject = self._keep(self._start_peer("twin") if self.args.self_check
                                      else self._start_subject())
            self.peer = self._keep(self._start_peer(self.question.peer))
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

    def check_congestion(self):
        """Both sides send with cubic, but for one that asks the system itself for its sockets."""
        for server in (self.subject, self.peer):
            found = congestion_of(server)
            if found != "cubic" and server.name != "seaweed":
                raise BenchError(f"{server.name} sends with {found}, not cubic")

    def _keep(self, server):
        if server not in self.servers:
            self.servers.append(server)
        return server

    def _start_subject(self):
        origin = None if self.question.peer in STORES else self.origin
        return start_forebay(self.setup, origin, os.path.join(self.cache, "subject"),
                             self.args.freshness, self.question.memory, tls=self.question.tls)

    def _start_peer(self, name):
        """The peer; under the name "twin" a second one in the place of the subject: its ratio shows
        the error of the method."""
        data = os.path.join(self.cache, name)
        start = {
            "default": lambda: start_forebay(self.setup, self.origin, data, self.args.freshness,
                                             name=name),
            "dav": lambda: start_dav(self.setup, data, name),
            "seaweed": lambda: start_seaweed(self.setup, data),
            "files": lambda: start_nginx_files(
                self.setup, self._raw_files(os.path.join(data, BUCKET, "large")), name),
            "rawsend": lambda: start_rawsend(self.setup, self._raw_files(data)),
            "relay": lambda: start_rawrelay(self.setup, self.origin, "files", data),
            "append": lambda: start_rawrelay(self.setup, self.origin, "append", data),
            "origin": lambda: self.origin,
            "nginx": lambda: start_nginx_cache(self.setup, self.origin, data, name,
                                               self.question.peer_buffers),
        }
        return start[self.question.peer]()

    def _raw_files(self, folder):
        """As many files as the subject has objects, so that both fill the same page cache."""
        os.makedirs(folder)
        source = os.path.join(self.origin.files, self.question.objects)
        for number in range(self.question.objects_warm):
            shutil.copyfile(source, os.path.join(folder, f"{number:06d}"))
        return folder

    def keys(self, label):
        question = self.question
        count = question.count if question.cold else question.stored or question.objects_warm
        prefix = f"/{BUCKET}/{question.objects}"
        if question.cold:
            prefix += f"/{label}"
        return [f"{prefix}/{number:06d}" for number in range(count)]

    def load(self, server, label, **options):
        """One measured run on one server; BenchError if the answers are not what was asked."""
        question = self.question
        options = {"requests": question.count, "connections": question.connections,
                   "timeout": 120} | question.options | options
        if question.tls:
            options["tls"] = True
        if question.put:
            options["put"] = question.put
        elif not question.lists:
            options["expect_length"] = self.size
        if question.cold:
            warm_pages(max(WARM_AT_LEAST, 3 * question.count * self.size))
        targets = [f"/{BUCKET}?list-type=2"] if question.lists else self.keys(label)
        result = run_load(self.setup, server, targets, settle=question.settle, **options)
        mute = question.peer not in CACHES and (server is self.peer or self.args.self_check)
        if not mute and not question.put and not question.stored:
            self._check_cache(server, result)
        return result

    def _check_cache(self, server, result):
        wanted = {"miss"} if self.question.cold else {"hit"}
        if set(result["x_cache"]) != wanted:
            raise BenchError(f"{server.name}: X-Cache {result['x_cache']}, wanted {wanted}")

    def warm_up(self):
        """Fills the caches, checks every byte once, and lets both sides open their pools."""
        question = self.question
        for server in (self.subject, self.peer):
            if question.put:
                self.load(server, "warm")
            elif question.stored:
                run_load(self.setup, server, self.keys(""), settle=0.5, requests=question.stored,
                         connections=question.connections, put=self.size)
                self.load(server, "warm")
            else:
                self._check_bytes(server)

    def _check_bytes(self, server):
        question = self.question
        run_load(self.setup, server, self.keys("check"), settle=0.5,
                 requests=question.count if question.cold else question.objects_warm,
                 connections=question.connections, tls=question.tls,
                 verify=os.path.join(self.origin.files, question.objects))
        if not question.cold:
            self.load(server, "warm")
