#include "load_request.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace forebay::bench {
namespace {

constexpr std::size_t kRing = 16'384;
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kRetry = "attempt=1; max=3";

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return hex(digest.data(), digest.size());
}

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string_view method(const LoadOptions& options) { return options.put > 0 ? "PUT" : "GET"; }

// Signs requests of one second with one key, as the AWS documentation of SigV4 describes.
class Signer {
 public:
  explicit Signer(const LoadOptions& options) : options_(options) {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
    date_ = text.data();
    scope_ = date_.substr(0, 8) + "/" + options.region + "/s3/aws4_request";
    key_ = hmac("AWS4" + options.secret_key, date_.substr(0, 8));
    for (std::string_view part : {std::string_view(options.region), std::string_view("s3"),
                                  std::string_view("aws4_request")})
      key_ = hmac(key_, part);
  }

  const std::string& date() const { return date_; }

  // Of a target with a query: its parameters must be in their order, with values.
  std::string authorization(const std::string& target, const std::string& invocation) const {
    const std::size_t mark = target.find('?');
    const std::string path = target.substr(0, mark);
    const std::string query = mark == std::string::npos ? "" : target.substr(mark + 1);
    std::string names = "amz-sdk-invocation-id;amz-sdk-request;host;";
    std::string headers = "amz-sdk-invocation-id:" + invocation + "\namz-sdk-request:";
    headers.append(kRetry).append("\nhost:").append(options_.host).append("\n");
    if (!options_.range.empty()) {
      names += "range;";
      headers.append("range:bytes=").append(options_.range).append("\n");
    }
    names += "x-amz-content-sha256;x-amz-date";
    headers.append("x-amz-content-sha256:").append(kUnsigned).append("\n");
    headers.append("x-amz-date:").append(date_).append("\n");
    std::string canonical = std::string(method(options_)) + "\n" + path + "\n" + query + "\n" +
                            headers + "\n" + names + "\n";
    canonical.append(kUnsigned);
    const std::string digest =
        hmac(key_, "AWS4-HMAC-SHA256\n" + date_ + "\n" + scope_ + "\n" + sha256_hex(canonical));
    return "AWS4-HMAC-SHA256 Credential=" + options_.access_key + "/" + scope_ +
           ", SignedHeaders=" + names + ", Signature=" +
           hex(reinterpret_cast<const unsigned char*>(digest.data()), digest.size());
  }

 private:
  const LoadOptions& options_;
  std::string date_;
  std::string scope_;
  std::string key_;
};

// Shaped like a UUID; the counter makes every request of a run different.
std::string invocation_id(std::size_t number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "4a6f7921-7e5c-4b1a-9d3e-%012zx", number);
  return text.data();
}

}  // namespace

std::vector<std::string> render_requests(const LoadOptions& options) {
  const Signer signer(options);
  const std::size_t count =
      options.requests != 0 ? options.requests : std::max(kRing, options.paths.size());
  std::vector<std::string> requests;
  requests.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& path = options.paths[i % options.paths.size()];
    const std::string invocation = invocation_id(i);
    std::string text(method(options));
    text += " " + path + " HTTP/1.1\r\nHost: " + options.host;
    if (options.put > 0) text += "\r\nContent-Length: " + std::to_string(options.put);
    text += "\r\nAccept: */*\r\nAccept-Encoding: identity";
    text += "\r\nUser-Agent: aws-sdk-java/2.25.11 Linux/6.1 OpenJDK_64-Bit/17.0.10 vendor/Debian";
    text += "\r\namz-sdk-invocation-id: " + invocation + "\r\namz-sdk-request: ";
    text.append(kRetry).append("\r\nx-amz-content-sha256: ").append(kUnsigned);
    text += "\r\nx-amz-date: " + signer.date();
    if (!options.range.empty()) text += "\r\nRange: bytes=" + options.range;
    if (options.sign) text += "\r\nAuthorization: " + signer.authorization(path, invocation);
    text += "\r\nConnection: keep-alive\r\n\r\n";
    requests.push_back(std::move(text));
  }
  return requests;
}

}  // namespace forebay::bench
