// An origin that answers as it likes: HEADs and lists are the test's, everything else is refused.
// Only tests of this room include it.
#pragma once

#include <functional>

#include "origin/origin.h"

namespace forebay::object {

class LyingOrigin final : public origin::Origin {
 public:
  std::function<Result<origin::ObjectInfo>(origin::HeadOptions)> heads;
  std::function<Result<origin::ListAnswer>(origin::ListOptions)> lists;
  /// Refused where it is not set.
  std::function<Result<origin::GetAnswer>(origin::GetOptions)> gets;
  int drops = 0;                                   ///< times its uploads were ended
  std::optional<std::string> keys = {};            ///< those it was given; nothing: it has none
  origin::Hedging hedging = origin::Hedging::off;  ///< takes it where it has keys

  Task<origin::ObjectInfo> head(ObjectKey, origin::HeadOptions options, Context) override {
    co_return heads(options);
  }
  Task<origin::GetAnswer> get(ObjectKey, origin::GetOptions options, Context) override {
    if (!gets) co_return refused();
    co_return gets(std::move(options));
  }
  Task<origin::PutAnswer> put(ObjectKey, origin::PutOptions, io::Body, Context) override {
    co_return refused();
  }
  Task<> remove(ObjectKey, Context) override { co_return refused(); }
  Task<origin::ListAnswer> list(origin::ListOptions options, Context) override {
    co_return lists(std::move(options));
  }
  Task<std::string> create_upload(ObjectKey, origin::PutOptions, Context) override {
    co_return refused();
  }
  Task<origin::PartInfo> put_part(ObjectKey, std::string, uint32_t, origin::PutOptions, io::Body,
                                  Context) override {
    co_return refused();
  }
  Task<origin::PutAnswer> complete_upload(ObjectKey, std::string,
                                          std::vector<origin::CompletedPart>, origin::PutOptions,
                                          Context) override {
    co_return refused();
  }
  Task<> abort_upload(ObjectKey, std::string, Context) override { co_return refused(); }
  Task<origin::ListPartsAnswer> list_parts(ObjectKey, std::string, uint32_t, uint32_t,
                                           Context) override {
    co_return refused();
  }
  Task<origin::ListUploadsAnswer> list_uploads(origin::ListUploadsOptions, Context) override {
    co_return refused();
  }
  Result<> set_hedging(origin::Hedging to) override {
    if (!keys) return Origin::set_hedging(to);
    hedging = to;
    return ok;
  }
  Result<> set_keys(std::string access_key, Secret secret) override {
    if (!keys) return Origin::set_keys(std::move(access_key), std::move(secret));
    keys = access_key + ":" + secret.reveal();
    return ok;
  }
  Task<> drop_uploads(Context) override {
    ++drops;
    co_return ok;
  }
  Task<origin::Capabilities> probe(Context) override { co_return origin::Capabilities{}; }

 private:
  static Error refused() { return fail(Code::denied, "not in this test", "AccessDenied"); }
};

}  // namespace forebay::object
