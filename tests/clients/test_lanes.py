"""What one bucket's slow folder may cost the requests of others."""

import contextlib
import threading

import pytest
from lib import daemon, origins, proc
from lib.stand import parallel

pytestmark = pytest.mark.daemon

FILES = 20_000
LISTERS = 32


@pytest.fixture
def forebay():
    """A daemon with its own folders."""
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(origins.DirOrigin())
        yield stack.enter_context(daemon.Forebay(default_origin=origin))


def test_lists_of_a_large_folder_leave_other_buckets_alone(forebay):
    """32 clients list one large folder without pause: their walks wait for one another in a lane of
    two threads, and a PUT and a GET in another bucket wait in none of its lanes.
    """
    folder = forebay.root / "large"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:06}").touch()
    forebay.cli("bucket", "create", "large", "--origin", f"dir://{folder}")
    target = forebay.target()
    client = target.boto3()
    client.create_bucket(Bucket="small")
    client.put_object(Bucket="small", Key="warm", Body=b"x")
    stop = threading.Event()

    def list_on(_):
        own = forebay.target().boto3()
        while not stop.is_set():
            own.list_objects_v2(Bucket="large", MaxKeys=1)

    def writes(_):
        try:
            proc.wait_until(
                "lists that wait",
                lambda: forebay.metric("forebay_lane_waiting", lane="walk") >= LISTERS // 2,
                60,
            )
            for number in range(5):
                key, body = f"k{number}", b"y" * 100
                client.put_object(Bucket="small", Key=key, Body=body)
                assert client.get_object(Bucket="small", Key=key)["Body"].read() == body
            assert forebay.metric("forebay_lane_waiting", lane="walk") > 0
            assert forebay.metric("forebay_lane_running", lane="walk") <= 2
            assert forebay.metric("forebay_lane_refused_total", lane="walk") == 0
        finally:
            stop.set()

    parallel(LISTERS + 1, lambda i: writes(i) if i == LISTERS else list_on(i), 200)
