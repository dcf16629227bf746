"""What both versions of the AWS CLI do; `aws` is the program of one of them."""

import json

from place import body, tree

FILES = {f"d{i % 3}/f{i:02d}.txt": body(900 + i, i) for i in range(15)}


def run(place, aws, *argv, **options):
    """Runs one command of the CLI, which repeats nothing."""
    return place.run(aws, "--endpoint-url", place.endpoint, *argv, AWS_MAX_ATTEMPTS="1",
                     AWS_PAGER="", **options)


def syncs(place, aws):
    """Syncs a folder up, a change and a deletion, and down."""
    top = place.folder("sync", FILES)
    run(place, aws, "s3", "sync", "--no-progress", top, place.url("sync"))
    assert place.keys("sync/") == [f"sync/{p}" for p in sorted(FILES)]
    (top / "d0/f00.txt").write_bytes(b"changed")
    (top / "d1/f01.txt").unlink()
    said = run(place, aws, "s3", "sync", "--no-progress", "--delete", top, place.url("sync"))
    assert len(said.splitlines()) == 2, said
    run(place, aws, "s3", "sync", "--no-progress", place.url("sync"), "back")
    assert tree(place.work / "back") == tree(top)


def copies_and_moves(place, aws):
    """Copies and moves recursively within the bucket, with filters; types and metadata stay."""
    top = place.folder("cp", FILES)
    run(place, aws, "s3", "cp", "--no-progress", "--recursive", "--metadata", "a=b",
        "--content-type", "text/x-own", top, place.url("cp"))
    run(place, aws, "s3", "mv", "--no-progress", "--recursive", "--exclude", "*",
        "--include", "d0/*", place.url("cp"), place.url("mv"))
    assert place.keys("mv/") == [f"mv/{p}" for p in sorted(FILES) if p[:2] == "d0"]
    assert place.keys("cp/d0/") == []
    head = place.head("mv/d0/f00.txt")
    assert (head["Metadata"], head["ContentType"]) == ({"a": "b"}, "text/x-own")
    run(place, aws, "s3", "rm", "--recursive", place.url("mv"))
    assert place.keys("mv/") == []


def large_by_parts(place, aws):
    """17 MiB up in parts, copied in parts, down by ranges."""
    whole = body(17 << 20)
    (place.work / "large").write_bytes(whole)
    run(place, aws, "s3", "cp", "--no-progress", "large", place.url("large"))
    assert place.head("large")["ETag"].endswith('-3"')
    run(place, aws, "s3", "mv", "--no-progress", place.url("large"), place.url("moved"))
    run(place, aws, "s3", "cp", "--no-progress", place.url("moved"), "large.down")
    assert (place.work / "large.down").read_bytes() == whole
    assert "large" not in place.keys()


def calls_the_api(place, aws):
    """s3api: put with a checksum, tags, attributes, a conditional get, delete of several."""
    (place.work / "one").write_bytes(b"one")
    api = lambda *argv, **more: run(place, aws, "--output", "json", "s3api", *argv,
                                    "--bucket", place.bucket, **more)
    etag = json.loads(api("put-object", "--key", "one", "--body", "one"))["ETag"]
    api("put-object-tagging", "--key", "one", "--tagging", "TagSet=[{Key=k,Value=v}]")
    tags = json.loads(api("get-object-tagging", "--key", "one"))["TagSet"]
    assert tags == [{"Key": "k", "Value": "v"}]
    told = json.loads(api("get-object-attributes", "--key", "one", "--object-attributes",
                          "ObjectSize", "ETag"))
    assert told["ObjectSize"] == 3
    said = run(place, aws, "s3api", "get-object", "--bucket", place.bucket, "--key", "one",
               "--if-none-match", etag, "out", code=[254, 255])
    assert "304" in said, said
    api("delete-objects", "--delete", json.dumps({"Objects": [{"Key": "one"}, {"Key": "none"}]}))
    assert place.keys("one") == []


