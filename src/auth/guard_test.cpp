#include "auth/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "io/sim.h"
#include "meta/memory_store.h"
#include "sign/signer.h"

namespace forebay::auth {
namespace {

using testing::HasSubstr;

const WallTime kNow{1445412480'000000000};

// A request as it would come off the wire; owns its bytes.
class Wire {
 public:
  explicit Wire(std::string method = "GET") : method_(std::move(method)) {
    add("Host", "localhost:9000");
  }
  void add(std::string name, std::string value) {
    text_.push_back({std::move(name), std::move(value)});
    headers_.clear();
    for (const auto& [key, text] : text_) headers_.push_back({key, text});
  }
  std::vector<sign::Header> to_sign() const {
    std::vector<sign::Header> out;
    for (const auto& [name, value] : text_) out.push_back({name, value});
    return out;
  }
  void sign(const sign::Signer& signer, sign::Body body = sign::Body::empty(),
            WallTime when = kNow) {
    auto headers = to_sign();
    sign::Signed made = signer.sign({method_, path, query, headers}, body, when);
    for (const auto& [name, value] : made.headers()) add(std::string(name), std::string(value));
  }
  void presign(const sign::Signer& signer, Duration expires, WallTime when = kNow) {
    auto headers = to_sign();
    query = signer.presign({method_, path, query, headers}, when, expires);
  }
  http::Request request() const {
    http::Request request;
    request.method = method_;
    request.path = path;
    request.query = query;
    request.headers = headers_;
    return request;
  }
  std::string path = "/data/a%20b";
  std::string query;

 private:
  std::string method_;
  std::deque<std::pair<std::string, std::string>> text_;
  std::vector<http::Header> headers_;
};

class GuardTest : public testing::Test {
 protected:
  void SetUp() override {
    Context ctx{.loop = &world_->loop()};
    EXPECT_TRUE(world_->run(keys_.add({"OTHER", Secret("othersecret"), {}, true, false}, ctx)));
  }
  sign::Signer signer(std::string id, std::string secret, std::string service = "s3") {
    return sign::Signer({std::move(id), Secret(std::move(secret))}, "us-east-1", service);
  }
  std::string refusal(const Wire& wire, WallTime now = kNow) {
    http::Request request = wire.request();
    Result<Verified> result = guard_.authenticate(request, now);
    if (result) return "none";
    return result.error().detail();
  }
  Result<> set_enabled(bool enabled) {
    return world_->run(keys_.set_enabled("OTHER", enabled, {.loop = &world_->loop()}));
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 5});
  meta::MemoryStore store_;
  Keys keys_{store_, {"ROOT", Secret("rootsecret"), {}, true, false}};
  obs::Registry metrics_;
  Guard guard_{keys_, metrics_};
};

TEST_F(GuardTest, AHeaderSignedRequestIsItsKeys) {
  for (auto [id, secret, kind] : {std::tuple("ROOT", "rootsecret", Principal::Kind::root),
                                  std::tuple("OTHER", "othersecret", Principal::Kind::key)}) {
    Wire wire;
    wire.query = "list-type=2&prefix=a%2Fb";
    wire.sign(signer(id, secret));
    http::Request request = wire.request();
    Result<Verified> who = guard_.authenticate(request, kNow);
    ASSERT_TRUE(who) << who.error().text();
    EXPECT_EQ(who->principal.kind, kind);
    EXPECT_EQ(who->principal.access_key, id);
    ASSERT_TRUE(who->claim);
    EXPECT_TRUE(who->key);
    EXPECT_EQ(who->claim->payload.kind, sign::PayloadKind::hash);
  }
}

TEST_F(GuardTest, APresignedRequestIsItsKeysUntilItExpires) {
  Wire wire;
  wire.presign(signer("OTHER", "othersecret"), seconds(60));
  EXPECT_EQ(refusal(wire), "none");
  EXPECT_EQ(refusal(wire, {kNow.ns + seconds(60).ns}), "none");
  EXPECT_EQ(refusal(wire, {kNow.ns + seconds(60).ns + 1}), "AccessDenied");
}

TEST_F(GuardTest, ARequestWithoutASignatureIsAnonymous) {
  Wire wire;
  http::Request request = wire.request();
  Result<Verified> who = guard_.authenticate(request, kNow);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->principal.kind, Principal::Kind::anonymous);
  EXPECT_FALSE(who->claim);
  EXPECT_FALSE(who->key);
}

TEST_F(GuardTest, AWrongSecretDoesNotMatch) {
  Wire wire;
  wire.sign(signer("OTHER", "othersecreT"));
  EXPECT_EQ(refusal(wire), "SignatureDoesNotMatch");
  EXPECT_THAT(metrics_.render(),
              HasSubstr("forebay_auth_refusals_total{door=\"s3\",reason=\"signature\"} 1\n"));
}

TEST_F(GuardTest, AChangedRequestDoesNotMatch) {
  Wire path, query, method("PUT"), header;
  for (Wire* wire : {&path, &query, &method, &header}) {
    if (wire == &header) wire->add("x-amz-meta-a", "1");
    wire->sign(signer("OTHER", "othersecret"));
  }
  path.path = "/data/other";
  query.query = "versionId=1";
  EXPECT_EQ(refusal(path), "SignatureDoesNotMatch");
  EXPECT_EQ(refusal(query), "SignatureDoesNotMatch");
  http::Request moved = method.request();
  moved.method = "DELETE";
  EXPECT_EQ(guard_.authenticate(moved, kNow).error().detail(), "SignatureDoesNotMatch");
  EXPECT_EQ(refusal(header), "none");
}

TEST_F(GuardTest, UnknownAndDisabledKeysAreTheSame) {
  Wire unknown, known;
  unknown.sign(signer("NOBODY", "x"));
  known.sign(signer("OTHER", "othersecret"));
  EXPECT_EQ(refusal(unknown), "InvalidAccessKeyId");
  EXPECT_EQ(refusal(known), "none");
  EXPECT_TRUE(set_enabled(false));
  EXPECT_EQ(refusal(known), "InvalidAccessKeyId");
  EXPECT_TRUE(set_enabled(true));
  EXPECT_EQ(refusal(known), "none");
}

TEST_F(GuardTest, AKeyThatIsMadeAnewHasItsNewSecret) {
  Wire old;
  old.sign(signer("OTHER", "othersecret"));
  EXPECT_EQ(refusal(old), "none");
  Context ctx{.loop = &world_->loop()};
  EXPECT_TRUE(world_->run(keys_.remove("OTHER", ctx)));
  EXPECT_TRUE(world_->run(keys_.add({"OTHER", Secret("new"), {}, true, false}, ctx)));
  EXPECT_EQ(refusal(old), "SignatureDoesNotMatch");
  Wire fresh;
  fresh.sign(signer("OTHER", "new"));
  EXPECT_EQ(refusal(fresh), "none");
}

TEST_F(GuardTest, AClockMayBeFifteenMinutesOff) {
  Wire wire;
  wire.sign(signer("OTHER", "othersecret"));
  EXPECT_EQ(refusal(wire, {kNow.ns + sign::kMaxSkew.ns}), "none");
  EXPECT_EQ(refusal(wire, {kNow.ns - sign::kMaxSkew.ns}), "none");
  EXPECT_EQ(refusal(wire, {kNow.ns + sign::kMaxSkew.ns + 1}), "RequestTimeTooSkewed");
  EXPECT_EQ(refusal(wire, {kNow.ns - sign::kMaxSkew.ns - 1}), "RequestTimeTooSkewed");
}

TEST_F(GuardTest, SessionTokensAreNotKnownHere) {
  Wire wire;
  wire.sign(sign::Signer({"OTHER", Secret("othersecret"), "token"}, "us-east-1"));
  EXPECT_EQ(refusal(wire), "InvalidToken");
}

TEST_F(GuardTest, ADoorTakesOnlyItsOwnService) {
  Guard admin(keys_, metrics_, {.service = "forebay", .door = "admin"});
  Wire s3, forebay;
  s3.sign(signer("ROOT", "rootsecret"));
  forebay.sign(signer("ROOT", "rootsecret", "forebay"));
  http::Request request = forebay.request();
  EXPECT_TRUE(admin.authenticate(request, kNow));
  EXPECT_EQ(refusal(forebay), "AuthorizationHeaderMalformed");
  http::Request wrong = s3.request();
  EXPECT_EQ(admin.authenticate(wrong, kNow).error().detail(), "AuthorizationHeaderMalformed");
}

TEST_F(GuardTest, MalformedClaimsKeepTheirErrors) {
  Wire wire;
  wire.add("Authorization", "Basic dXNlcjpwYXNz");
  EXPECT_EQ(refusal(wire), "InvalidArgument");
  EXPECT_THAT(metrics_.render(),
              HasSubstr("forebay_auth_refusals_total{door=\"s3\",reason=\"other\"} 1\n"));
}

TEST(May, RootMayDoEverythingKeysAllButAdminAnonymousNothing) {
  Principal root{Principal::Kind::root, "ROOT"}, key{Principal::Kind::key, "OTHER"}, nobody;
  for (const char* action : {"s3:GetObject", "s3:PutObject", "s3:CreateBucket"}) {
    EXPECT_TRUE(may(root, action, "b", "k"));
    EXPECT_TRUE(may(key, action, "b", "k"));
    Result<> refused = may(nobody, action, "b", "k");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::denied);
    EXPECT_EQ(refused.error().detail(), "AccessDenied");
  }
  EXPECT_TRUE(may(root, "forebay:CreateBucket", "", ""));
  EXPECT_FALSE(may(key, "forebay:CreateBucket", "", ""));
  EXPECT_FALSE(may(nobody, "forebay:Status", "", ""));
}

}  // namespace
}  // namespace forebay::auth
