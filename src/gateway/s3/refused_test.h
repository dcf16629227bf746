// What a refusal looks like to a client. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "gateway/s3/world_test.h"

namespace forebay::gateway::s3 {

/// The error that S3 tells with that status.
inline void refused(const Reply& reply, int status, const std::string& code) {
  EXPECT_EQ(reply.status, status) << reply.body;
  EXPECT_EQ(reply.element("Code"), code) << reply.body;
}

}  // namespace forebay::gateway::s3
