"""Lifecycle rules of native buckets as boto3 uses them, on a real daemon. Days are not waited for:
a rule with a date that is over holds for what is there, as in S3.
"""

import datetime
import re

import pytest
from lib import daemon, origins, proc
from test_copy import read, refused
from test_native_versions import Kept

pytestmark = pytest.mark.daemon
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def running():
    """One daemon for all tests here."""
    with daemon.Forebay() as forebay:
        yield forebay


@pytest.fixture
def bucket(running, request):
    """A native bucket of the test's own."""
    name = request.node.name.replace("_", "-")[:50]
    running.create_native(name)
    return Kept(running, name)


def rule(name="r", status="Enabled", where=None, **actions):
    """One rule, in boto3's words."""
    return {"ID": name, "Status": status, "Filter": where or {}} | actions


def say(bucket, *rules, **more):
    """PutBucketLifecycleConfiguration."""
    return bucket.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket.bucket, LifecycleConfiguration={"Rules": list(rules)}, **more
    )


def said(bucket):
    """The rules that the bucket tells."""
    return bucket.s3.get_bucket_lifecycle_configuration(Bucket=bucket.bucket)["Rules"]


def keys(bucket):
    """What a list of the bucket tells."""
    page = bucket.s3.list_objects_v2(Bucket=bucket.bucket)
    return [one["Key"] for one in page.get("Contents", [])]


def passes(bucket):
    """Passes that have ended well."""
    return bucket.forebay.metric("forebay_lifecycle_passes_total", result="good")


def apply(bucket, *rules):
    """Sets rules and waits for the pass that they bring about."""
    before = passes(bucket)
    say(bucket, *rules)
    proc.wait_until("the rules have been applied", lambda: passes(bucket) > before, 60)


OVER = {"Expiration": {"Date": PAST}}


def test_rules_are_told_as_they_were_given(bucket):
    """All that rules may be, also after a restart; without any there is an error."""
    s3, name = bucket.s3, bucket.bucket
    refused(lambda: said(bucket), "NoSuchLifecycleConfiguration")
    rules = [
        rule("days", where={"Prefix": "a/"}, Expiration={"Days": 3}),
        rule("date", where={"Tag": {"Key": "k", "Value": "v"}}, Expiration={"Date": PAST}),
        rule(
            "all",
            "Disabled",
            where={
                "And": {
                    "Prefix": "b/",
                    "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": ""}],
                    "ObjectSizeGreaterThan": 5,
                    "ObjectSizeLessThan": 5_000_000_000_000,
                }
            },
            Expiration={"Days": 2147483647},
            NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 100},
        ),
        rule("large", where={"ObjectSizeGreaterThan": 0}, Expiration={"Days": 1}),
        rule(
            "rest",
            Expiration={"ExpiredObjectDeleteMarker": True},
            AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7},
        ),
    ]
    told = say(bucket, *rules)
    assert told["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    assert said(bucket) == rules
    old = {"ID": "old", "Prefix": "o/", "Status": "Enabled", "Expiration": {"Days": 1}}
    unnamed = rule(Expiration={"Days": 1})
    del unnamed["ID"]
    say(bucket, old, unnamed, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    first, second = said(bucket)
    assert first == old and second.pop("ID") and second == unnamed
    bucket.forebay.kill()
    bucket.forebay.start()
    s3 = bucket.s3
    told = s3.get_bucket_lifecycle_configuration(Bucket=name)
    assert told["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    assert told["Rules"][0] == old
    for _ in range(2):
        s3.delete_bucket_lifecycle(Bucket=name)
        refused(lambda: said(bucket), "NoSuchLifecycleConfiguration")


def test_what_is_refused_changes_nothing(bucket):
    """Rules that cannot be, and those that are not carried out."""
    good = rule("good", Expiration={"Days": 1})
    say(bucket, good)
    move = {"Days": 1, "StorageClass": "GLACIER"}
    gone = {"NoncurrentDays": 1, "StorageClass": "GLACIER"}
    for code, bad in [
        ("NotImplemented", rule(Transitions=[move])),
        ("NotImplemented", rule(Expiration={"Days": 9}, NoncurrentVersionTransitions=[gone])),
        ("InvalidArgument", rule("i" * 256, Expiration={"Days": 1})),
        ("InvalidArgument", rule(Expiration={"Days": 0})),
        ("InvalidArgument", rule(Expiration={"Date": PAST + datetime.timedelta(hours=1)})),
        ("InvalidRequest", rule()),
        ("MalformedXML", rule(status="enabled", Expiration={"Days": 1})),
        ("MalformedXML", rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True})),
    ]:
        refused(lambda bad=bad: say(bucket, rule("other", Expiration={"Days": 2}), bad), code)
    refused(lambda: say(bucket, good, good), "InvalidArgument")
    refused(
        lambda: say(bucket, good, TransitionDefaultMinimumObjectSize="whatever"), "InvalidArgument"
    )
    assert said(bucket) == [good]
    many = [rule(f"r{i}", Expiration={"Days": 1}) for i in range(1001)]
    refused(lambda: say(bucket, *many), "InvalidArgument")
    say(bucket, *many[:1000])
    assert len(said(bucket)) == 1000


def test_objects_end(bucket):
    """By prefix, tag and size; others stay, and so do all under a rule that is disabled."""
    for key in ("a/1", "a/2", "b/1"):
        bucket.put(key, b"x" * 10)
    bucket.put("tagged", b"t", Tagging="end=yes&more=x")
    bucket.put("other", b"t", Tagging="end=no")
    bucket.put("large", b"l" * 100_000)
    apply(bucket, rule("off", "Disabled", **OVER), rule("later", Expiration={"Days": 1}))
    assert len(keys(bucket)) == 6
    apply(
        bucket,
        rule("p", where={"Prefix": "a/"}, **OVER),
        rule("t", where={"Tag": {"Key": "end", "Value": "yes"}}, **OVER),
        rule("s", where={"ObjectSizeGreaterThan": 99_999}, **OVER),
    )
    assert keys(bucket) == ["b/1", "other"]
    assert read(bucket.s3, bucket.bucket, "other") == b"t"
    refused(lambda: read(bucket.s3, bucket.bucket, "a/1"), "NoSuchKey")
    assert bucket.shown() == (11, 2)
    assert bucket.forebay.metric("forebay_lifecycle_ended_total", what="object") >= 4
    assert bucket.forebay.metric("forebay_lifecycle_last_pass_seconds") > PAST.timestamp()


def test_versions_end(bucket):
    """A version that is current gets a marker; markers alone go at once."""
    bucket.say("Enabled")
    first = bucket.put("k", b"1")
    second = bucket.put("k", b"2")
    bucket.put("alone", b"1")
    bucket.delete("gone")
    lone = rule("m", Expiration={"ExpiredObjectDeleteMarker": True})
    apply(bucket, rule(where={"Prefix": "k"}, **OVER), lone)
    found = bucket.ids("k")
    assert found[0].startswith("-") and found[1:] == [second, first]
    assert bucket.ids("gone") == [] and len(bucket.ids("alone")) == 1
    assert bucket.get("k", first) == b"1"
    apply(bucket, rule("n", NoncurrentVersionExpiration={"NoncurrentDays": 1}))
    assert bucket.ids("k") == found


def test_headers_tell_the_end(bucket):
    """When an object or an upload will end, and by which rule."""
    s3, name = bucket.s3, bucket.bucket
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}
    say(
        bucket,
        rule("by day é", where={"Prefix": "d"}, Expiration={"Days": 10}),
        rule("by tag", where={"Tag": {"Key": "t", "Value": "1"}}, Expiration={"Days": 5}),
        rule("up", where={"Prefix": "d"}, **abort),
    )

    def ends(answer, days, name):
        found = re.fullmatch(r'expiry-date="(.*)", rule-id="(.*)"', answer["Expiration"])
        when = datetime.datetime.strptime(found[1], "%a, %d %b %Y %H:%M:%S GMT")
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        assert when.time() == datetime.time(0) and days * DAY <= when - now <= (days + 1) * DAY
        assert found[2] == name

    ends(s3.put_object(Bucket=name, Key="d1", Body=b"x"), 10, "by%20day%20%C3%A9")
    ends(s3.head_object(Bucket=name, Key="d1"), 10, "by%20day%20%C3%A9")
    ends(s3.get_object(Bucket=name, Key="d1"), 10, "by%20day%20%C3%A9")
    ends(s3.put_object(Bucket=name, Key="d2", Body=b"x", Tagging="t=1"), 5, "by%20tag")
    ends(s3.get_object(Bucket=name, Key="d2"), 5, "by%20tag")
    assert "Expiration" not in s3.put_object(Bucket=name, Key="e", Body=b"x")
    assert "Expiration" not in s3.get_object(Bucket=name, Key="e")
    made = s3.create_multipart_upload(Bucket=name, Key="d")
    listed = s3.list_parts(Bucket=name, Key="d", UploadId=made["UploadId"])
    assert made["AbortRuleId"] == listed["AbortRuleId"] == "up"
    assert made["AbortDate"] == listed["AbortDate"]
    assert "AbortDate" not in s3.create_multipart_upload(Bucket=name, Key="e")


def test_a_bucket_with_an_origin(running):
    """Its objects end when its origin says so: rules are refused."""
    with origins.DirOrigin() as origin:
        origin.make_bucket("folder")
        running.create_bucket("folder", origin)
        bucket = Kept(running, "folder")
        refused(lambda: say(bucket, rule(**OVER)), "NotImplemented")
        refused(lambda: said(bucket), "NoSuchLifecycleConfiguration")
        bucket.s3.delete_bucket_lifecycle(Bucket="folder")
