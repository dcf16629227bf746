// The origin contract: copies that a store makes by itself, or says that it cannot.
#include "base/encoding.h"
#include "testkit/origin_contract_cases.h"

namespace forebay::testkit {

using origin::CopyOrder;
using origin::ObjectInfo;
using origin::PutAnswer;

namespace {

using Copied = Result<std::optional<PutAnswer>>;

/// A source with a type, metadata and a checksum.
Task<ObjectInfo> make_source(OriginUnderTest& under [[clang::lifetimebound]], std::string name,
                             std::string text, Context ctx) {
  origin::PutOptions options;
  options.fields = {{"content-type", "text/x-source"}, {"x-amz-meta-a", "of the source"}};
  ObjectKey key = key_of(under.prefix + name);
  co_await co_await under.origin.put(key, options, body_of(std::move(text)), ctx);
  co_return co_await under.origin.head(key, {}, ctx);
}

CopyOrder order_of(OriginUnderTest& under, std::string_view name, const ObjectInfo& info) {
  CopyOrder order{.source = &under.origin, .from = key_of(under.prefix + std::string(name))};
  order.etag = info.etag;
  order.version_id = info.version_id;
  order.size = info.size;
  return order;
}

Task<> copies_one_version(OriginUnderTest& under, Context ctx) {
  std::string text = pattern(200'000);
  // A name that must be encoded, and both together.
  std::string name = "copies/from a+b%?ü";
  ObjectInfo source = co_await co_await make_source(under, name, text, ctx);
  ObjectKey to = key_of(under.prefix + "copies/to");
  Copied copied = co_await under.origin.copy(to, order_of(under, name, source), ctx);
  auto made = co_await std::move(copied);
  EXPECT_EQ(made.has_value(), under.copies);
  if (!made) {
    auto nothing = co_await under.origin.head(to, {}, ctx);
    EXPECT_FALSE(nothing.has_value());
    co_return ok;
  }
  ObjectInfo head = co_await co_await under.origin.head(to, {}, ctx);
  EXPECT_EQ(made->etag.text(), head.etag.text());
  EXPECT_EQ(head.size, text.size());
  EXPECT_EQ(head.fields["content-type"], "text/x-source");
  EXPECT_EQ(head.fields["x-amz-meta-a"], "of the source");
  std::string back = co_await co_await get_text(under, "copies/to", {}, ctx);
  EXPECT_TRUE(back == text);
  co_return ok;
}

Task<> replaces_what_it_is_told_to(OriginUnderTest& under, Context ctx) {
  if (!under.copies) co_return ok;
  ObjectInfo source = co_await co_await make_source(under, "copies/replaced", "bytes", ctx);
  CopyOrder order = order_of(under, "copies/replaced", source);
  order.replace_fields = order.replace_tags = true;
  order.fields = {{"content-type", "text/x-new"}, {"x-amz-meta-b", "new"}};
  order.checksum = ChecksumKind::sha256;
  // Onto itself: the bytes stay.
  ObjectKey key = key_of(under.prefix + "copies/replaced");
  auto made = co_await co_await under.origin.copy(key, order, ctx);
  EXPECT_EQ(made.has_value(), under.copy_sums);
  order.checksum.reset();
  if (!made) made = co_await co_await under.origin.copy(key, order, ctx);
  EXPECT_TRUE(made.has_value());
  ObjectInfo head = co_await co_await under.origin.head(key, {}, ctx);
  EXPECT_EQ(head.fields["content-type"], "text/x-new");
  EXPECT_EQ(head.fields["x-amz-meta-b"], "new");
  EXPECT_EQ(head.fields.count("x-amz-meta-a"), 0u);
  if (under.copy_sums && under.checksums) {
    auto sum = Checksum::make(ChecksumKind::sha256);
    sum->update(as_bytes(std::string_view("bytes")));
    EXPECT_EQ(head.checksums["x-amz-checksum-sha256"], to_base64(as_bytes(sum->digest())));
  }
  std::string back = co_await co_await get_text(under, "copies/replaced", {}, ctx);
  EXPECT_EQ(back, "bytes");
  co_return ok;
}

Task<> copies_no_other_version(OriginUnderTest& under, Context ctx) {
  if (!under.copies) co_return ok;
  ObjectInfo old = co_await co_await make_source(under, "copies/changing", "one", ctx);
  CopyOrder order = order_of(under, "copies/changing", old);
  order.version_id.clear();  // the pin alone
  co_await co_await make_source(under, "copies/changing", "another", ctx);
  ObjectKey to = key_of(under.prefix + "copies/unwritten");
  Copied changed = co_await under.origin.copy(to, order, ctx);
  EXPECT_FALSE(changed.has_value());
  if (!changed) EXPECT_EQ(changed.error().detail(), "PreconditionFailed");
  co_await co_await under.origin.remove(order.from, ctx);
  Copied gone = co_await under.origin.copy(to, order, ctx);
  EXPECT_FALSE(gone.has_value());
  if (!gone) EXPECT_EQ(name(gone.error().code()), name(Code::not_found)) << gone.error().text();
  auto nothing = co_await under.origin.head(to, {}, ctx);
  EXPECT_FALSE(nothing.has_value());
  co_return ok;
}

Task<> copies_parts(OriginUnderTest& under, Context ctx) {
  if (!under.copies) co_return ok;
  std::string text = pattern(300'000, 3);
  ObjectInfo source = co_await co_await make_source(under, "copies/whole", text, ctx);
  ObjectKey key = key_of(under.prefix + "copies/joined");
  CopyOrder order = order_of(under, "copies/whole", source);
  order.upload_id = co_await co_await under.origin.create_upload(key, {}, ctx);
  order.part_number = 2;
  order.range = ByteRange{1000, 200'000};
  Copied copied = co_await under.origin.copy(key, order, ctx);
  auto part = co_await std::move(copied);
  EXPECT_TRUE(part.has_value());
  if (!part) co_return ok;
  auto list = co_await co_await under.origin.list_parts(key, order.upload_id, 0, 10, ctx);
  EXPECT_EQ(list.parts.size(), 1u);
  if (!list.parts.empty()) {
    EXPECT_EQ(list.parts[0].size, 200'000u);
    EXPECT_EQ(list.parts[0].etag.text(), part->etag.text());
  }
  CopyOrder wrong = order;
  wrong.etag = ETag("\"00000000000000000000000000000000\"");
  wrong.part_number = 3;
  Copied refused = co_await under.origin.copy(key, wrong, ctx);
  EXPECT_FALSE(refused.has_value());
  list = co_await co_await under.origin.list_parts(key, order.upload_id, 0, 10, ctx);
  EXPECT_EQ(list.parts.size(), 1u);
  std::vector<origin::CompletedPart> parts = {{2, part->etag, {}}};
  co_await co_await under.origin.complete_upload(key, order.upload_id, parts, {}, ctx);
  std::string back = co_await co_await get_text(under, "copies/joined", {}, ctx);
  EXPECT_TRUE(back == text.substr(1000, 200'000));
  co_return ok;
}

}  // namespace

std::vector<OriginCase> copy_cases() {
  return {{"copies_one_version", copies_one_version},
          {"replaces_what_it_is_told_to", replaces_what_it_is_told_to},
          {"copies_no_other_version", copies_no_other_version},
          {"copies_parts", copies_parts}};
}

}  // namespace forebay::testkit
