"""`endpoint=`, and `client_options={"allow_http": True}` for http."""

import asyncio

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError
from obstore.store import S3Store
from place import body, refused

CLIENT = "obstore"
PACKAGES = ["obstore"]


def _store(place, prefix):
    return S3Store(place.bucket, prefix=prefix, endpoint=place.endpoint,
                   client_options={"allow_http": True}, retry_config={"max_retries": 0})


def puts_conditionally(place):
    """`mode="create"` and an update by ETag: of many writers at once one wins."""
    store = _store(place, "put")
    first = store.put("one", b"first", mode="create")
    with refused(AlreadyExistsError):
        store.put("one", b"second", mode="create")
    second = store.put("one", b"second", mode={"e_tag": first["e_tag"]})
    with refused(PreconditionError):
        store.put("one", b"third", mode={"e_tag": first["e_tag"]})
    assert place.read("put/one") == b"second" and second["e_tag"] != first["e_tag"]

    async def race():
        return await asyncio.gather(
            *(store.put_async("raced", f"writer {i}".encode(), mode="create") for i in range(16)),
            return_exceptions=True)

    won = [i for i, r in enumerate(asyncio.run(race())) if not isinstance(r, Exception)]
    assert len(won) == 1 and place.read("put/raced") == f"writer {won[0]}".encode()


def reads_ranges(place):
    """Ranges, many at once, from the end, conditional reads, streams; a missing key."""
    store, whole = _store(place, "range"), body(3 << 20)
    store.put("r", whole, use_multipart=False)
    assert bytes(store.get_range("r", start=10, end=20)) == whole[10:20]
    assert [bytes(b) for b in store.get_ranges("r", starts=[0, 100, 2 << 20], lengths=[5, 7, 9])] \
        == [whole[:5], whole[100:107], whole[2 << 20: (2 << 20) + 9]]
    assert bytes(store.get("r", options={"range": {"suffix": 5}}).bytes()) == whole[-5:]
    assert b"".join(bytes(b) for b in store.get("r").stream(min_chunk_size=1 << 18)) == whole
    etag = store.head("r")["e_tag"]
    with refused(obstore.exceptions.NotModifiedError):
        store.get("r", options={"if_none_match": etag})
    with refused(NotFoundError, FileNotFoundError):
        store.get("none")


def lists_copies_and_deletes(place):
    """List with offset and delimiter, copy, copy-if-not-exists, rename, delete of many."""
    store = _store(place, "list")
    names = [f"d{i % 3}/f{i:02d}" for i in range(20)]
    for name in names:
        store.put(name, name.encode())
    assert [o["path"] for batch in store.list(chunk_size=7) for o in batch] == sorted(names)
    assert sorted(store.list_with_delimiter()["common_prefixes"]) == ["d0", "d1", "d2"]
    found = [o["path"] for batch in store.list(offset="d1/f10") for o in batch]
    assert found == [n for n in sorted(names) if n > "d1/f10"]
    store.copy("d0/f00", "copied")
    store.rename("d0/f03", "renamed")
    assert place.read("list/copied") == b"d0/f00" and place.read("list/renamed") == b"d0/f03"
    assert "list/d0/f03" not in place.keys("list/")
    store.delete([n for n in names if n != "d0/f03"])
    assert place.keys("list/") == ["list/copied", "list/renamed"]


def uploads_in_parts(place):
    """16 MiB in parts at once, a writer, and a stream."""
    store, whole = _store(place, "parts"), body(16 << 20)
    store.put("large", whole, chunk_size=5 << 20)
    with obstore.open_writer(store, "written", buffer_size=5 << 20) as writer:
        for at in range(0, len(whole), 1 << 20):
            writer.write(whole[at: at + (1 << 20)])
    for name in ("large", "written"):
        assert place.read(f"parts/{name}") == whole
    assert place.uploads() == []
