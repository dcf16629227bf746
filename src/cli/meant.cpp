#include "cli/meant.h"

#include <algorithm>

#include "cli/nearest.h"

namespace forebay::cli {

namespace {

// The bucket that a command names by a path, unless the path is a file's.
std::string bucket_in(const std::string& path) {
  Result<Location> at = Location::parse(path);
  return at ? at->bucket : std::string();
}

}  // namespace

std::vector<std::string> buckets_in(const Command& command) {
  if (auto* one = std::get_if<BucketSet>(&command)) return {one->name};
  if (auto* one = std::get_if<BucketShow>(&command)) return {one->name};
  if (auto* one = std::get_if<BucketRemove>(&command)) return {one->name};
  if (auto* one = std::get_if<List>(&command)) return {bucket_in(one->path)};
  if (auto* one = std::get_if<Cat>(&command)) return {bucket_in(one->path)};
  if (auto* one = std::get_if<Remove>(&command)) return {bucket_in(one->path)};
  if (auto* one = std::get_if<Stat>(&command)) return {bucket_in(one->path)};
  if (auto* one = std::get_if<Prefetch>(&command)) return {bucket_in(one->path)};
  if (auto* one = std::get_if<Copy>(&command)) {
    return {bucket_in(one->source), bucket_in(one->target)};
  }
  return {};
}

Task<std::string> bucket_meant(Shell& shell, std::vector<std::string> named, std::string failed,
                               Context ctx) {
  Result<std::vector<client::BucketInfo>> buckets = co_await shell.s3().buckets(ctx);
  if (!buckets) co_return std::string();
  std::vector<std::string> names;
  names.reserve(buckets->size());
  for (client::BucketInfo& bucket : *buckets) names.push_back(std::move(bucket.name));
  for (const std::string& name : named) {
    bool missed = failed.contains("s3://" + name + "/") || failed.contains("bucket " + name + ":");
    // One that is there has lost its origin.
    if (name.empty() || !missed || std::ranges::find(names, name) != names.end()) continue;
    co_return did_you_mean(name, names);
  }
  co_return std::string();
}

}  // namespace forebay::cli
