"""kill -9 while an object of a native bucket is renamed again and again: it has exactly one name
afterwards, and that is one it was acknowledged to have, or the next.
"""

import random
import threading
import time

import pytest
from lib import daemon
from test_kill import ROUNDS

pytestmark = pytest.mark.daemon

BUCKET = "renamed"
NAMES = [f"name/{i}" for i in range(7)]
BODY = random.Random(11).randbytes(300_000)


class Renamer:
    """Renames the object round and round, over what lies in its way, until the daemon is gone."""

    def __init__(self, s3, at):
        self.s3 = s3
        self.at = at  # as acknowledged
        self.next = at  # as asked
        self.renames = 0
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        """Ends with the first error: the daemon is dead."""
        try:
            while True:
                self.next = (self.at + 1) % len(NAMES)
                self.s3.rename_object(
                    Bucket=BUCKET, Key=NAMES[self.next], RenameSource=NAMES[self.at]
                )
                self.at = self.next
                self.renames += 1
        except Exception:  # whatever way it is cut off
            return


def test_one_name():
    """Round after round, on the same data."""
    rng = random.Random(29)
    with daemon.Forebay() as forebay:
        forebay.create_native(BUCKET)
        forebay.target().boto3().put_object(Bucket=BUCKET, Key=NAMES[0], Body=BODY)
        at, renames = 0, 0
        for _ in range(ROUNDS):
            renamer = Renamer(forebay.target().boto3(), at)
            time.sleep(rng.uniform(0.05, 0.5))
            forebay.kill()
            renamer.thread.join()
            forebay.start()
            s3 = forebay.target().boto3()
            found = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
            assert len(found) == 1, found
            assert found[0] in (NAMES[renamer.at], NAMES[renamer.next])
            assert s3.get_object(Bucket=BUCKET, Key=found[0])["Body"].read() == BODY
            at = NAMES.index(found[0])
            renames += renamer.renames
        assert renames > ROUNDS
