// node use_sdk_js.mjs CASE BUCKET: one case of use_sdk_js.py.
import assert from "node:assert";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  CopyObjectCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, NoSuchKey,
  paginateListObjectsV2, PutObjectCommand, S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [, , name, Bucket] = process.argv;
const s3 = new S3Client({ forcePathStyle: true, maxAttempts: 1 });
const read = async (Key, more = {}) => {
  const answer = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from(await answer.Body.transformToByteArray());
};
// Bytes that do not compress, the same at each call.
const bytes = (count) => {
  const blocks = [];
  for (let i = 0; i * 64 < count; i++) blocks.push(createHash("sha512").update(`${i}`).digest());
  return Buffer.concat(blocks).subarray(0, count);
};

const cases = {
  async putsAndGets() {
    const put = await s3.send(new PutObjectCommand({
      Bucket, Key: "one", Body: "hello", Metadata: { a: "b" }, ContentType: "text/x" }));
    assert.ok(put.ChecksumCRC32);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "one" }));
    assert.deepStrictEqual(
      [head.Metadata, head.ContentType, head.ContentLength], [{ a: "b" }, "text/x", 5]);
    assert.strictEqual((await read("one")).toString(), "hello");
    assert.strictEqual((await read("one", { Range: "bytes=1-3" })).toString(), "ell");
    await assert.rejects(read("one", { IfMatch: '"other"' }),
      (e) => e.$metadata.httpStatusCode === 412);
    await assert.rejects(read("none"), NoSuchKey);
    await assert.rejects(s3.send(new PutObjectCommand({
      Bucket, Key: "one", Body: "second", IfNoneMatch: "*" })), { name: "PreconditionFailed" });
    await s3.send(new CopyObjectCommand({ Bucket, Key: "two", CopySource: `${Bucket}/one` }));
    assert.strictEqual((await read("two")).toString(), "hello");
    // A stream is sent in signed or trailed chunks.
    const body = bytes(300_000);
    await s3.send(new PutObjectCommand({
      Bucket, Key: "stream", Body: Readable.from([body]), ContentLength: body.length }));
    assert.ok((await read("stream")).equals(body));
  },
  async uploadsInParts() {
    const whole = bytes(17 * 1024 * 1024);
    const pieces = [];
    for (let i = 0; i < whole.length; i += 100_000) pieces.push(whole.subarray(i, i + 100_000));
    await new Upload({
      client: s3, params: { Bucket, Key: "parts", Body: Readable.from(pieces) },
      partSize: 5 * 1024 * 1024, queueSize: 3 }).done();
    assert.ok((await read("parts")).equals(whole));
    const stopped = new Upload({
      client: s3, params: { Bucket, Key: "stopped", Body: whole }, partSize: 5 * 1024 * 1024,
      queueSize: 1 });
    stopped.on("httpUploadProgress", () => stopped.abort());
    await assert.rejects(stopped.done(), { name: "AbortError" });
    await assert.rejects(read("stopped"), NoSuchKey);
  },
  async listsAndDeletes() {
    const keys = [...Array(23).keys()].map((i) => `list/d${i % 3}/k ${i}+ü&~'`).sort();
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    const all = async (more) => {
      const found = [], prefixes = [];
      for await (const page of paginateListObjectsV2(
        { client: s3, pageSize: 5 }, { Bucket, Prefix: "list/", ...more })) {
        found.push(...(page.Contents ?? []).map((o) => o.Key));
        prefixes.push(...(page.CommonPrefixes ?? []).map((p) => p.Prefix));
      }
      return [found, prefixes];
    };
    assert.deepStrictEqual(await all({}), [keys, []]);
    assert.deepStrictEqual(await all({ Delimiter: "/" }), [[], ["list/d0/", "list/d1/", "list/d2/"]]);
    assert.strictEqual((await read(keys[4])).toString(), keys[4]);
    const done = await s3.send(new DeleteObjectsCommand({
      Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
    assert.strictEqual(done.Deleted.length, keys.length);
    assert.deepStrictEqual(await all({}), [[], []]);
  },
  async presigns() {
    const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "signed/a b" }),
      { expiresIn: 300 });
    assert.strictEqual((await fetch(put, { method: "PUT", body: "by url" })).status, 200);
    const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "signed/a b" }),
      { expiresIn: 300 });
    assert.strictEqual(await (await fetch(get)).text(), "by url");
    assert.strictEqual((await fetch(get.replace("signed/a", "signed/b"))).status, 403);
  },
};

await cases[name]();
