"""What docs/s3-compatibility.md says of each operation holds in buckets of each kind: native ones,
folders, and two S3 origins: one with all that S3 has, and one that knows neither versions nor
tags and copies nothing by itself.
"""

import contextlib
import secrets
import urllib.parse
import xml.etree.ElementTree

import pytest
from lib import daemon, faultproxy
from lib.operations import table
from lib.rawhttp import Call, crc32_base64
from test_forms import encode, form

pytestmark = pytest.mark.daemon
ROWS = table()
BODY = b"what is kept"
OWNED = (
    b"<AccessControlPolicy><Owner><ID>forebay</ID></Owner><AccessControlList><Grant>"
    b'<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">'
    b"<ID>forebay</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>"
    b"</AccessControlPolicy>"
)
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# What the second origin does not know.
UNKNOWN = {"versioning", "versions", "versionId", "tagging"}


def bare(exchange):
    """Answers as a server without versions, tags and copies."""
    names = urllib.parse.parse_qs(exchange.path.partition("?")[2], keep_blank_values=True)
    if UNKNOWN & set(names) or "x-amz-copy-source" in exchange.headers:
        return faultproxy.Fault(status=501, code="NotImplemented")
    return None


class Behind:
    """An origin reached through a proxy."""

    def __init__(self, origin, proxy):
        self.default_url = lambda: origin.url("", proxy.endpoint)
        self.credentials = origin.credentials


class World:
    """A Forebay with a bucket of one kind that holds `k`, and its origin."""

    def __init__(self, stack, label, origin):
        self.column = "S3 origin" if label in ("s3", "bare") else label
        self.has_all = label != "bare"
        self.origin = origin
        self.proxy = None
        if self.column == "S3 origin":
            fault = None if self.has_all else bare
            self.proxy = stack.enter_context(faultproxy.FaultProxy(origin.endpoint, fault=fault))
            origin = Behind(origin, self.proxy)
        self.forebay = stack.enter_context(daemon.Forebay(default_origin=origin))
        self.target = self.forebay.target(label)
        self.bucket = self.target.new_bucket("compat")
        self.put("k")

    def word(self, name):
        """What the page says of an operation here."""
        return ROWS[name]["words"][self.column]

    def ask(self, *args, **more):
        """One signed request."""
        return self.target.call(*args, **more)

    def put(self, key, bucket=None):
        """Writes an object that is there before the operation."""
        answer = self.ask("PUT", f"/{bucket or self.bucket}/{key}", body=BODY)
        assert answer.status == 200, answer
        return answer

    def upload(self, part=False):
        """The query of a new upload of `parts`, and the ETag of its only part."""
        begun = self.ask("POST", f"/{self.bucket}/parts", query=[("uploads", "")])
        query = [("uploadId", text_of(begun, "UploadId"))]
        if not part:
            return query, None
        sent = [("partNumber", "1"), *query]
        answer = self.ask("PUT", f"/{self.bucket}/parts", query=sent, body=BODY)
        assert answer.status == 200, answer
        return query, answer.headers["etag"]

    def untouched(self):
        """Whether the first object is as it was."""
        read = self.ask("GET", f"/{self.bucket}/k")
        return (read.status, read.body) == (200, BODY)


def text_of(answer, name):
    """The first element of that name, whatever its name space."""
    root = xml.etree.ElementTree.fromstring(answer.body)
    return next(e.text for e in root.iter() if e.tag.rpartition("}")[2] == name)


@pytest.fixture(scope="module", params=["native", "dir", "s3", "bare"])
def world(request, servers):
    """Each kind of bucket; of S3 origins both."""
    kind = "seaweedfs" if request.param in ("s3", "bare") else request.param
    with contextlib.ExitStack() as stack:
        yield World(stack, request.param, servers.origin(kind))


def sub(method, name, body=b"", headers=None):
    """A request for a subresource of the bucket."""
    return lambda w: Call(
        method, f"/{w.bucket}", query=[(name, "")], body=body, headers=dict(headers or {})
    )


def of_object(method, key="k", query=(), body=b"", headers=None):
    """A request for an object."""
    return lambda w: Call(
        method, f"/{w.bucket}/{key}", query=list(query), body=body, headers=dict(headers or {})
    )


def versioning(w):
    """Of a bucket of its own: what keeps versions once is another bucket for ever."""
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    return Call("PUT", f"/{w.target.new_bucket('kept')}", query=[("versioning", "")], body=body)


def posted(w):
    """A browser's form."""
    asked = form(w.target, w.bucket, "posted")
    kind, body = encode(asked["fields"], BODY)
    return Call("POST", f"/{w.bucket}", headers={"Content-Type": kind}, body=body)


def deletes(w):
    """One key of its own."""
    w.put("gone")
    body = b"<Delete><Object><Key>gone</Key></Object></Delete>"
    sums = {"x-amz-checksum-crc32": crc32_base64(body)}
    return Call("POST", f"/{w.bucket}", query=[("delete", "")], body=body, headers=sums)


def removed(w):
    """An object of its own."""
    w.put("gone")
    return Call("DELETE", f"/{w.bucket}/gone")


def renamed(w):
    """An object of its own."""
    w.put("before")
    named = {"x-amz-rename-source": "before"}
    return Call("PUT", f"/{w.bucket}/after", query=[("renameObject", "")], headers=named)


def of_upload(method, number=False, body=b"", copies=False):
    """A request for an upload of its own."""

    def make(w):
        """Begins the upload."""
        query, _ = w.upload()
        query = [("partNumber", "1"), *query] if number else query
        headers = {"x-amz-copy-source": f"{w.bucket}/k"} if copies else {}
        return Call(method, f"/{w.bucket}/parts", query=query, body=body, headers=headers)

    return make


def completed(w):
    """An upload of one part."""
    query, etag = w.upload(part=True)
    part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()
    return Call("POST", f"/{w.bucket}/parts", query=query, body=body)


def copied(w):
    """A copy of the first object."""
    headers = {"x-amz-copy-source": f"{w.bucket}/k"}
    return Call("PUT", f"/{w.bucket}/copied", headers=headers)


TAGS = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
CORS = (
    b"<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>"
    b"<AllowedOrigin>https://example.com</AllowedOrigin></CORSRule></CORSConfiguration>"
)
LIFECYCLE = (
    b"<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status>"
    b"<Filter><Prefix>none/</Prefix></Filter><Expiration><Days>9</Days></Expiration></Rule>"
    b"</LifecycleConfiguration>"
)
OWNERSHIP = (
    b"<OwnershipControls><Rule><ObjectOwnership>%s</ObjectOwnership></Rule></OwnershipControls>"
)
BLOCKED = "".join(f"<{name}>%s</{name}>" for name in BLOCKS)
BLOCKED = f"<PublicAccessBlockConfiguration>{BLOCKED}</PublicAccessBlockConfiguration>".encode()

# A request of each operation that is answered, as short as it can be.
REQUESTS = {
    "ListBuckets": lambda w: Call("GET", "/"),
    "GetBucketLocation": sub("GET", "location"),
    "ListMultipartUploads": sub("GET", "uploads"),
    "ListObjectVersions": sub("GET", "versions"),
    "GetBucketAcl": sub("GET", "acl"),
    "GetBucketVersioning": sub("GET", "versioning"),
    "GetBucketPolicy": sub("GET", "policy"),
    "GetBucketPolicyStatus": sub("GET", "policyStatus"),
    "PutBucketCors": sub("PUT", "cors", CORS),
    "GetBucketCors": sub("GET", "cors"),
    "DeleteBucketCors": sub("DELETE", "cors"),
    "PutBucketTagging": sub("PUT", "tagging", TAGS),
    "GetBucketTagging": sub("GET", "tagging"),
    "DeleteBucketTagging": sub("DELETE", "tagging"),
    "PutBucketLifecycleConfiguration": sub("PUT", "lifecycle", LIFECYCLE),
    "GetBucketLifecycleConfiguration": sub("GET", "lifecycle"),
    "DeleteBucketLifecycle": sub("DELETE", "lifecycle"),
    "GetBucketRequestPayment": sub("GET", "requestPayment"),
    "GetBucketOwnershipControls": sub("GET", "ownershipControls"),
    "GetPublicAccessBlock": sub("GET", "publicAccessBlock"),
    "ListObjectsV2": lambda w: Call("GET", f"/{w.bucket}", query=[("list-type", "2")]),
    "ListObjects": lambda w: Call("GET", f"/{w.bucket}"),
    "HeadBucket": lambda w: Call("HEAD", f"/{w.bucket}"),
    "PutBucketAcl": sub("PUT", "acl", OWNED),
    "PutBucketVersioning": versioning,
    "PutBucketOwnershipControls": sub(
        "PUT", "ownershipControls", OWNERSHIP % b"BucketOwnerEnforced"
    ),
    "PutPublicAccessBlock": sub("PUT", "publicAccessBlock", BLOCKED % ((b"true",) * 4)),
    "CreateBucket": lambda w: Call("PUT", f"/made-{secrets.token_hex(4)}"),
    "DeleteBucket": lambda w: Call("DELETE", f"/{w.target.new_bucket('left')}"),
    "DeleteObjects": deletes,
    "PostObject": posted,
    "ListParts": of_upload("GET"),
    "GetObjectAcl": of_object("GET", query=[("acl", "")]),
    "PutObjectTagging": of_object("PUT", query=[("tagging", "")], body=TAGS),
    "GetObjectTagging": of_object("GET", query=[("tagging", "")]),
    "DeleteObjectTagging": of_object("DELETE", query=[("tagging", "")]),
    "GetObjectAttributes": of_object(
        "GET", query=[("attributes", "")], headers={"x-amz-object-attributes": "ObjectSize"}
    ),
    "GetObject": of_object("GET"),
    "HeadObject": of_object("HEAD"),
    "UploadPartCopy": of_upload("PUT", number=True, copies=True),
    "UploadPart": of_upload("PUT", number=True, body=BODY),
    "PutObjectAcl": of_object("PUT", query=[("acl", "")], body=OWNED),
    "RenameObject": renamed,
    "CopyObject": copied,
    "PutObject": of_object("PUT", body=BODY),
    "AbortMultipartUpload": of_upload("DELETE"),
    "DeleteObject": removed,
    "CreateMultipartUpload": of_object("POST", key="parts", query=[("uploads", "")]),
    "CompleteMultipartUpload": completed,
}
# Those of a bucket without a policy, or without rules, as S3 answers them.
NOT_THERE = {
    "GetBucketPolicy": "NoSuchBucketPolicy",
    "GetBucketPolicyStatus": "NoSuchBucketPolicy",
}
# Calls that would change what is fixed.
CHANGES = {
    "PutBucketAcl": sub("PUT", "acl", headers={"x-amz-acl": "public-read"}),
    "PutObjectAcl": of_object("PUT", query=[("acl", "")], headers={"x-amz-acl": "public-read"}),
    "PutBucketOwnershipControls": sub("PUT", "ownershipControls", OWNERSHIP % b"ObjectWriter"),
    "PutPublicAccessBlock": sub(
        "PUT", "publicAccessBlock", BLOCKED % (b"true", b"true", b"true", b"false")
    ),
}


def send(w, name, made=None):
    """Sends an operation's request and returns the answer, what it asked, and what the origin
    was asked meanwhile.
    """
    call = made or REQUESTS[name](w)
    if w.proxy:
        w.forebay.wait_idle()
        w.proxy.clear()
    signer = None if name == "PostObject" else w.target.signer()
    with w.target.connect() as connection:
        answer = connection.call(call, signer)
    return answer, call, w.proxy.seen() if w.proxy else []


def good(name, answer):
    """Whether it was carried out."""
    if name in NOT_THERE:
        return (answer.status, answer.code()) == (404, NOT_THERE[name])
    return 200 <= answer.status < 300


def refused(answer):
    """Whether it is S3's answer to what is not implemented."""
    return (answer.status, answer.code()) == (501, "NotImplemented")


def of_each(w, words):
    """The answered operations that have one of these words here."""
    return [n for n in REQUESTS if w.word(n) in words]


def test_each_operation_has_a_request():
    """So no row goes unlooked at, and every word is met somewhere."""
    assert set(REQUESTS) == {n for n, row in ROWS.items() if row["answered"]}
    words = {word for row in ROWS.values() for word in row["words"].values()}
    assert words == {
        *("no", "yes", "origin", "own", "fixed", "none", "one version", "unversioned", "forgets")
    }


def test_no(world):
    """NotImplemented, and nothing has happened."""
    for name, row in ROWS.items():
        if world.word(name) != "no":
            continue
        method, path, markers = row["request"]
        query = [(n, "2" if n.endswith("-type") else "1") for n in sorted(markers)]
        body = b"<x/>" if method in ("PUT", "POST") else b""
        made = Call(method, path.replace("b", world.bucket, 1), query=query, body=body)
        if row["answered"]:
            made = None
        answer, call, asked = send(world, name, made)
        assert refused(answer), (name, answer)
        assert not [e for e in asked if e.method not in ("GET", "HEAD")], (name, asked)
        assert world.untouched(), name
        if name == "RenameObject":
            assert world.ask("HEAD", call.path).status == 404
            assert world.ask("HEAD", f"/{world.bucket}/before").status == 200


def test_yes(world):
    """Carried out, also where the origin has neither versions nor tags and copies nothing."""
    for name in of_each(world, {"yes"}):
        world.put("k")  # so that nothing is believed of it
        answer, call, asked = send(world, name)
        assert good(name, answer), (name, answer)
        assert asked or not world.proxy, name
        if name == "CreateBucket":
            assert world.ask("HEAD", call.path).status == 200
    for key in ("copied", "posted"):
        assert world.ask("GET", f"/{world.bucket}/{key}").body == BODY, key


def test_origin(world):
    """Sent on; where the origin does not know it that is the answer."""
    names = of_each(world, {"origin"})
    assert bool(names) == (world.column == "S3 origin")
    for name in names:
        answer, call, asked = send(world, name)
        assert good(name, answer) if world.has_all else refused(answer), (name, answer)
        marker = call.query[0][0]
        sent = [e for e in asked if marker in e.path.partition("?")[2]]
        assert [e for e in sent if e.method == call.method], (name, asked)
    if "GetObjectTagging" in names and world.has_all:
        send(world, "PutObjectTagging")
        assert b"<Key>a</Key>" in send(world, "GetObjectTagging")[0].body


def test_own(world):
    """Kept here: what was said is told, and the origin hears nothing of it."""
    for name in of_each(world, {"own"}):
        answer, _, asked = send(world, name)
        assert good(name, answer), (name, answer)
        assert not asked, (name, asked)
    assert send(world, "GetBucketCors")[0].code() == "NoSuchCORSConfiguration"
    assert send(world, "GetBucketTagging")[0].code() == "NoSuchTagSet"


def test_fixed(world):
    """What leaves it so succeeds, what would change it does not; a bucket's is nobody's to ask."""
    names = of_each(world, {"fixed"})
    assert set(CHANGES) == {n for n in names if n.startswith("Put")}
    for name in names:
        answer, _, asked = send(world, name)
        assert good(name, answer), (name, answer)
        assert not asked or "Object" in name, (name, asked)
    for name, change in CHANGES.items():
        answer, _, _ = send(world, name, change(world))
        unsupported = (answer.status, answer.code()) == (400, "AccessControlListNotSupported")
        assert unsupported or refused(answer), (name, answer)


def test_none(world):
    """As of a bucket that never had any."""
    names = of_each(world, {"none"})
    assert bool(names) == (world.column == "dir")
    for name in names:
        answer, _, _ = send(world, name)
        if name == "GetBucketVersioning":
            assert answer.status == 200 and b"Status" not in answer.body
        elif name == "GetBucketLifecycleConfiguration":
            assert answer.code() == "NoSuchLifecycleConfiguration"
        else:
            assert (name, answer.status) == ("DeleteBucketLifecycle", 204)


def test_one_version(world):
    """Each object is one, the latest, also when it has been replaced."""
    for name in of_each(world, {"one version"}):
        world.put("k")
        answer, _, _ = send(world, name)
        body = answer.body
        count = body.count(b"<Key>")
        assert count and body.count(b"<VersionId>null</VersionId>") == count
        assert body.count(b"<IsLatest>true</IsLatest>") == count
        assert body.count(b"<Key>k</Key>") == 1 and b"DeleteMarker" not in body


def test_unversioned(world):
    """Carried out where no versions were ever kept, and nowhere else."""
    for name in of_each(world, {"unversioned"}):
        answer, call, _ = send(world, name)
        assert good(name, answer), answer
        assert world.ask("HEAD", call.path).status == 200
        _, kept, _ = send(world, "PutBucketVersioning")
        bucket = kept.path[1:]
        world.put("before", bucket)
        call = Call(call.method, f"/{bucket}/after", query=call.query, headers=call.headers)
        assert refused(send(world, name, call)[0])
        assert world.ask("HEAD", f"/{bucket}/before").status == 200


def stays(w, bucket):
    """Whether what was the bucket is at its origin still."""
    if w.column == "dir":
        return (w.origin.root / bucket).exists()
    return bucket in [one["Name"] for one in w.origin.s3().list_buckets()["Buckets"]]


def test_forgets(world):
    """The bucket is gone here; an S3 server's stays there, and a folder that was there before."""
    assert world.ask("DELETE", f"/{world.bucket}").code() == "BucketNotEmpty"
    answer, call, _ = send(world, "DeleteBucket")
    assert answer.status == 204
    assert world.ask("HEAD", call.path).status == 404
    assert (world.word("DeleteBucket") == "forgets") == (world.column != "native")
    if world.column == "native":
        return
    assert stays(world, call.path[1:]) == (world.column == "S3 origin")
    before = f"before-{secrets.token_hex(4)}"
    world.origin.make_bucket(before)
    made = world.origin.url(before, world.proxy and world.proxy.endpoint)
    # Under another name than a bucket made through S3 would have it.
    argv = ("bucket", "create", f"named-{before}", "--origin", made)
    world.forebay.cli(*argv, env=world.origin.credentials())
    assert world.ask("DELETE", f"/named-{before}").status == 204
    assert stays(world, before)


def test_what_kinds_take(world):
    """The page's second table, as far as one origin of each kind shows it."""
    s3, path = world.column == "S3 origin", f"/{world.bucket}/takes"
    world.put("takes")

    def write(**headers):
        """A PUT with these headers."""
        named = {n.replace("_", "-"): v for n, v in headers.items()}
        return world.ask("PUT", path, body=BODY, headers=named)

    def read(*query):
        """A GET with these parameters."""
        return world.ask("GET", path, query=list(query))

    for version, status in (("null", 200), ("a" * 32, 404)):
        answer = read(("versionId", version))
        assert answer.status == status, answer
    assert answer.code() == "NoSuchVersion"
    assert read(("partNumber", "1")).body == BODY
    assert write(If_None_Match="*").code() == "PreconditionFailed"
    wrong = {"If-Match": '"0"'}
    assert world.ask("DELETE", path, headers=wrong).code() == "PreconditionFailed"
    encrypted = write(x_amz_server_side_encryption="AES256")
    assert (encrypted.status == 200) if s3 else refused(encrypted), encrypted
    classed = write(x_amz_storage_class="STANDARD_IA")
    assert (classed.status == 200) if s3 else classed.code() == "InvalidStorageClass", classed
    assert write(x_amz_tagging="a=b").status == 200
    if world.has_all:
        assert b"<Key>a</Key>" in read(("tagging", "")).body
