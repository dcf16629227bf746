#include "cli/content_type.h"

#include <gtest/gtest.h>

namespace forebay::cli {
namespace {

TEST(ContentType, IsToldFromTheLastExtension) {
  EXPECT_EQ(content_type("a.csv"), "text/csv");
  EXPECT_EQ(content_type("/data/set.v1/part-0.PARQUET"), "application/vnd.apache.parquet");
  EXPECT_EQ(content_type("x.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type("arrow.arrow"), "application/vnd.apache.arrow.file") << "the first row";
  EXPECT_EQ(content_type("a.zst"), "application/zstd") << "the last row";
}

TEST(ContentType, OfAnythingElseIsBytes) {
  for (const char* path : {"", "a", "a.", ".json", "/d.csv/a", "model.safetensors", "a.jso",
                           "a.jsons", "dir/.csv", "a.csv/"}) {
    EXPECT_EQ(content_type(path), "application/octet-stream") << path;
  }
}

}  // namespace
}  // namespace forebay::cli
