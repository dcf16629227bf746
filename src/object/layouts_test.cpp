// What is believed of parts: rows of before and answers of origins, of which neither may say what
// the object cannot have.
#include "object/layouts.h"

#include "meta/schema.h"
#include "object/lying_test.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

class LayoutsTest : public ObjectTest {
 protected:
  LayoutsTest() {
    liar_->heads = [this](origin::HeadOptions options) -> Result<origin::ObjectInfo> {
      return options.part_number == 0 ? whole_ : told_;
    };
  }
  static origin::ObjectInfo info(uint64_t size) {
    origin::ObjectInfo out;
    out.size = size;
    out.etag = ETag("\"0cc175b9c0f1b6a831c399e269772661-3\"");
    out.tag = Tag("e:" + std::to_string(size));
    return out;
  }
  HeadRef head() { return *run(heads_.current(bucket_, key_, true, ctx())); }
  /// What the origin says of part `number`.
  Result<std::optional<ByteRange>> part(uint32_t number, ByteRange range, uint64_t of) {
    told_ = info(of);
    told_.size = range.length;
    told_.part = range;
    told_.part_of = of;
    return run(heads_.layouts().part(*bucket_, key_, *head(), number, ctx()));
  }
  Layout learned() { return run(heads_.layouts().learn(*bucket_, key_, whole_, ctx()))->layout; }
  /// What is kept of an object whose size and tag are these.
  static std::string row_of(std::vector<uint64_t> parts, const Tag& tag) {
    Layout layout = *Layout::of_parts(std::move(parts), 0);
    origin::ObjectInfo named = info(layout.size());
    named.tag = tag;
    return *write_kept({.kind = KeptKind::layout}, named, layout);
  }
  void put_row(std::string row) {
    meta::Txn txn;
    txn.put(meta::schema::head(bucket_->incarnation, key_), std::move(row));
    EXPECT_TRUE(run(rows_.commit(std::move(txn), ctx())));
  }

  std::shared_ptr<LyingOrigin> liar_ = std::make_shared<LyingOrigin>();
  BucketRef bucket_ = make_bucket(liar_, "exact");
  origin::ObjectInfo whole_ = info(300'000);
  origin::ObjectInfo told_ = info(300'000);
};

TEST_F(LayoutsTest, a_part_that_the_object_cannot_have_is_a_bad_answer) {
  auto good = part(2, {100'000, 100'000}, 300'000);
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ(*good, (ByteRange{100'000, 100'000}));
  struct Case {
    uint32_t number;
    ByteRange range;
    uint64_t of;
  };
  for (const Case& c :
       {Case{2, {500'000, 100'000}, 1'000'000},  // of another object
        Case{2, {100'000, 100'000}, 1'000'000}, Case{2, {500'000, 100'000}, 300'000},  // beyond it
        Case{2, {500'000, 100'000}, 0},  // by one that tells no size
        Case{3, {250'000, 50'001}, 300'000}, Case{3, {UINT64_MAX - 5, 10}, 300'000},
        Case{1, {100'000, 100'000}, 300'000}}) {
    auto told = part(c.number, c.range, c.of);
    ASSERT_FALSE(told) << c.range.offset;
    EXPECT_EQ(told.error().code(), Code::corrupt);
    EXPECT_EQ(told.error().detail(), "BadGateway");
  }
}

TEST_F(LayoutsTest, a_part_that_cannot_be_is_an_error_of_the_read) {
  told_.size = 100'000;
  told_.part = ByteRange{500'000, 100'000};
  told_.part_of = 1'000'000;
  for (bool body : {false, true}) {
    for (unit::Mode mode : {unit::Mode::normal, unit::Mode::past}) {
      ReadRequest asked{.bucket = bucket_, .key = key_};
      asked.part_number = 2;
      asked.body = body;
      asked.mode = mode;
      auto answer = run(objects_.read(std::move(asked), ctx()));
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().detail(), "BadGateway");
    }
  }
}

TEST_F(LayoutsTest, the_same_place_in_another_version_is_another_version) {
  told_.size = 100'000;
  told_.part = ByteRange{100'000, 100'000};
  told_.part_of = 300'000;
  told_.tag = Tag("v:2");
  auto told = run(heads_.layouts().part(*bucket_, key_, *head(), 2, ctx()));
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code(), Code::conflict);
}

TEST_F(LayoutsTest, of_a_row_that_does_not_fit_nothing_is_believed) {
  std::string good = row_of({100'000, 50'000, 150'000}, whole_.tag);
  put_row(good);
  EXPECT_TRUE(learned().known());
  for (std::string row :
       {row_of({100'000, 50'000, 150'001}, whole_.tag),  // of another size
        row_of({100'000, 50'000, 150'000}, Tag("e:2")), good + "?", good.substr(0, good.size() - 1),
        std::string(),
        R"({"version":1,"tag":")" + whole_.tag.text() + R"(","parts":[100000,50000,150000]})"}) {
    put_row(row);
    Layout layout = learned();
    EXPECT_FALSE(layout.known()) << row;
    EXPECT_EQ(layout.unit_at(299'999).end(), 300'000U) << row;
  }
}

// A version id names bytes whatever their number; from a server that gives one twice.
TEST_F(LayoutsTest, the_layout_of_another_size_is_not_kept) {
  for (uint64_t size : {300'000, 900'000}) {
    whole_ = info(size);
    whole_.tag = Tag("v:1");
    HeadRef now = head();
    EXPECT_EQ(now->layout.size(), size);
  }
}

}  // namespace
}  // namespace forebay::object
