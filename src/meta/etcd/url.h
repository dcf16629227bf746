// EtcdUrl: which etcd, and which part of it is ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"

namespace forebay::meta {

struct EtcdUrl {
  static constexpr size_t kMaxEndpoints = 16;
  static constexpr size_t kMaxName = 64;

  std::vector<http::Endpoint> endpoints;  ///< members of one etcd, in the order of the text
  std::string prefix;                     ///< before every key: the cluster's name and '/'

  /// Reads "etcd://HOST:PORT[,HOST:PORT…][/NAME]". NAME is the cluster's: 1–64 of A–Z a–z 0–9 . _
  /// -, "forebay" when there is none. No name's prefix begins with another's, so clusters that
  /// share an etcd never see one another's rows. Anything else → Code::invalid.
  static Result<EtcdUrl> parse(std::string_view text);
  /// "http://a:2379, http://b:2379", for errors.
  std::string shown() const;
};

}  // namespace forebay::meta
