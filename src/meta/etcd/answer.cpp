#include "meta/etcd/answer.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/json.h"

namespace forebay::meta::etcd {

namespace {

/// So much of a server's own words is shown.
constexpr size_t kMaxWords = 200;
/// A server may grant more than it was asked for, but not for ever.
constexpr int64_t kMaxTtlSeconds = 1'000'000;

/// google.rpc.Code, which the gateway sends as "code".
enum Grpc : uint64_t {
  kInvalidArgument = 3,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kUnauthenticated = 16,
};

Error malformed(std::string_view what) {
  return fail(Code::corrupt, "not an answer of etcd: " + std::string(what));
}

// `"name":"…"` in base64.
void add_bytes(std::string& out, std::string_view name, std::string_view bytes) {
  out.append("\"").append(name).append("\":\"").append(to_base64(as_bytes(bytes))).append("\"");
}

/// A 64-bit number, as text; not there: 0.
Result<int64_t> number(const Json& from, std::string_view name) {
  const Json* found = from.find(name);
  if (found == nullptr) return 0;
  const std::string* text = found->as_string();
  if (text == nullptr) return malformed("'" + std::string(name) + "' is no number");
  int64_t out = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (error != std::errc() || end != text->data() + text->size() || out < 0) {
    return malformed("'" + std::string(name) + "' is no number");
  }
  return out;
}

/// Bytes in base64; not there: none.
Result<std::string> bytes(const Json& from, std::string_view name) {
  const Json* found = from.find(name);
  if (found == nullptr) return std::string();
  std::optional<std::string> out;
  if (const std::string* text = found->as_string()) out = from_base64(*text);
  if (!out) return malformed("'" + std::string(name) + "' is not base64");
  return std::move(*out);
}

Result<bool> flag(const Json& from, std::string_view name) {
  Result<bool> out = from.boolean_or(name, false);
  if (!out) return malformed(out.error().text());
  return out;
}

Result<Json> parse(std::string_view text) {
  Result<Json> json = Json::parse(text);
  if (!json) return malformed(json.error().text());
  const Json* header = json->find("header");
  if (header == nullptr || !header->is_object()) return malformed("it has no header");
  return json;
}

/// The list called `name`; not there: empty.
Result<Json::Array> list(const Json& from, std::string_view name) {
  const Json* found = from.find(name);
  if (found == nullptr) return Json::Array();
  if (found->as_array() == nullptr) return malformed("'" + std::string(name) + "' is no list");
  return *found->as_array();
}

Result<std::vector<Row>> rows(const Json& from, const Ask& ask) {
  Result<Json::Array> kvs = list(from, "kvs");
  if (!kvs) return std::move(kvs.error());
  if (kvs->size() > ask.limit) return malformed("more rows than were asked for");
  std::vector<Row> out;
  out.reserve(kvs->size());
  for (const Json& kv : *kvs) {
    Result<std::string> key = bytes(kv, "key");
    if (!key) return std::move(key.error());
    Result<std::string> value = bytes(kv, "value");
    if (!value) return std::move(value.error());
    if (*key < ask.from || *key >= ask.to) return malformed("a row that was not asked for");
    if (!out.empty() && *key <= out.back().key) return malformed("rows out of order");
    out.push_back({std::move(*key), std::move(*value)});
  }
  return out;
}

Result<Event> parse_event(const Json& event, const Ask& ask) {
  const Json* kv = event.find("kv");
  if (kv == nullptr) return malformed("an event without its row");
  Result<std::string> type = event.string_or("type", "PUT");
  if (!type || (*type != "PUT" && *type != "DELETE")) return malformed("an event of another kind");
  Result<std::string> key = bytes(*kv, "key");
  if (!key) return std::move(key.error());
  if (*key < ask.from || *key >= ask.to) return malformed("an event that was not asked for");
  Result<std::string> value = bytes(*kv, "value");
  if (!value) return std::move(value.error());
  Result<int64_t> revision = number(*kv, "mod_revision");
  if (!revision) return std::move(revision.error());
  Event out{.key = std::move(*key), .value = {}, .revision = static_cast<uint64_t>(*revision)};
  if (*type == "PUT") out.value = std::move(*value);
  return out;
}

std::string shown(std::string words) {
  if (words.empty()) return "the server ended it";
  if (words.size() > kMaxWords) words.resize(kMaxWords);
  return words;
}

/// Just this key.
Ask one(std::string key) {
  std::string end = key + '\0';
  return {.from = std::move(key), .to = std::move(end)};
}

}  // namespace

Ask within(std::string_view prefix, const Range& range, uint32_t limit) {
  std::string own(prefix);
  return {.from = own + range.from,
          .to = range.to.empty() ? Range::prefix(own).to : own + range.to,
          .limit = limit};
}

std::string range_request(const Ask& ask) {
  std::string out = "{";
  add_bytes(out, "key", ask.from);
  add_bytes(out += ',', "range_end", ask.to);
  out += ",\"limit\":" + std::to_string(ask.limit);
  if (ask.revision != 0) out += ",\"revision\":" + std::to_string(ask.revision);
  return out + '}';
}

std::string txn_request(std::string_view prefix, const Txn& txn, uint64_t lease) {
  auto full = [&](const std::string& key) { return std::string(prefix) + key; };
  std::string compare, failure, success;
  for (const Txn::Condition& condition : txn.conditions) {
    if (!compare.empty()) compare += ',', failure += ',';
    compare += R"({"result":"EQUAL",)";
    add_bytes(compare, "key", full(condition.key));
    if (condition.value) {
      // Does not hold for a row that is not there, the empty value neither.
      add_bytes(compare += R"(,"target":"VALUE",)", "value", *condition.value);
    } else {
      compare += R"(,"target":"CREATE","create_revision":"0")";
    }
    compare += '}';
    // They also make etcd ask its quorum when nothing is changed.
    add_bytes(failure += R"({"request_range":{)", "key", full(condition.key));
    failure += "}}";
  }
  for (const Txn::Change& change : txn.changes) {
    if (!success.empty()) success += ',';
    success += change.value ? R"({"request_put":{)" : R"({"request_delete_range":{)";
    add_bytes(success, "key", full(change.key));
    if (change.value) add_bytes(success += ',', "value", *change.value);
    if (change.value && lease != 0) success += R"(,"lease":")" + std::to_string(lease) + '"';
    success += "}}";
  }
  return R"({"compare":[)" + compare + R"(],"success":[)" + success + R"(],"failure":[)" + failure +
         "]}";
}

Result<RangeAnswer> parse_range(std::string_view text, const Ask& ask) {
  Result<Json> json = parse(text);
  if (!json) return std::move(json.error());
  Result<int64_t> revision = number(*json->find("header"), "revision");
  if (!revision) return std::move(revision.error());
  // A page goes on by it.
  if (*revision == 0) return malformed("it has no revision");
  Result<bool> more = flag(*json, "more");
  if (!more) return std::move(more.error());
  Result<std::vector<Row>> found = rows(*json, ask);
  if (!found) return std::move(found.error());
  if (*more && found->empty()) return malformed("more rows, and none of them");
  return RangeAnswer{*revision, std::move(*found), *more};
}

Result<TxnAnswer> parse_txn(std::string_view text, std::string_view prefix, const Txn& txn) {
  Result<Json> json = parse(text);
  if (!json) return std::move(json.error());
  Result<bool> succeeded = flag(*json, "succeeded");
  if (!succeeded) return std::move(succeeded.error());
  Result<Json::Array> responses = list(*json, "responses");
  if (!responses) return std::move(responses.error());
  size_t expected = *succeeded ? txn.changes.size() : txn.conditions.size();
  if (responses->size() != expected) return malformed("not as many responses as operations");
  TxnAnswer out{.succeeded = *succeeded, .found = {}};
  if (out.succeeded) return out;
  if (txn.conditions.empty()) return malformed("no condition, and it does not hold");
  for (size_t i = 0; i < expected; ++i) {
    const Json* range = (*responses)[i].find("response_range");
    if (range == nullptr) return malformed("a response of another kind");
    Result<std::vector<Row>> found = rows(*range, one(std::string(prefix) + txn.conditions[i].key));
    if (!found) return std::move(found.error());
    out.found.emplace_back();
    if (!found->empty()) out.found.back() = std::move(found->front().value);
  }
  return out;
}

std::string watch_request(const Ask& ask, uint64_t from_revision) {
  std::string out = R"({"create_request":{)";
  add_bytes(out, "key", ask.from);
  add_bytes(out += ',', "range_end", ask.to);
  // In pieces, however much there is to catch up with.
  return out + R"(,"fragment":true,"start_revision":")" + std::to_string(from_revision) + "\"}}";
}

std::string grant_request(int64_t ttl_seconds) {
  return R"({"TTL":")" + std::to_string(ttl_seconds) + "\"}";
}

std::string lease_request(uint64_t lease) { return R"({"ID":")" + std::to_string(lease) + "\"}"; }

Result<WatchAnswer> parse_watch(std::string_view line, std::string_view prefix, const Ask& ask,
                                uint64_t after) {
  Result<Json> json = Json::parse(line);
  if (!json) return malformed(json.error().text());
  const Json* result = json->find("result");
  if (result == nullptr || !result->is_object()) {
    const Json* error = json->find("error");
    if (error == nullptr) return malformed("neither an event nor an error");
    return fail(Code::unavailable, shown(error->string_or("message", "").value_or("")));
  }
  Result<int64_t> compacted = number(*result, "compact_revision");
  if (!compacted) return std::move(compacted.error());
  if (*compacted != 0) {
    return fail(Code::conflict, "these changes are not known any more", std::string(kCompacted));
  }
  Result<bool> ended = flag(*result, "canceled");
  if (!ended) return std::move(ended.error());
  if (*ended) {
    return fail(Code::unavailable, shown(result->string_or("cancel_reason", "").value_or("")));
  }
  Result<bool> piece = flag(*result, "fragment");
  if (!piece) return std::move(piece.error());
  Result<Json::Array> events = list(*result, "events");
  if (!events) return std::move(events.error());
  WatchAnswer out{.events = {}, .after = after};
  for (const Json& one : *events) {
    Result<Event> event = parse_event(one, ask);
    if (!event) return std::move(event.error());
    bool late = !out.events.empty() && event->revision < out.events.back().revision;
    if (event->revision <= after || late) return malformed("events out of order");
    event->key.erase(0, prefix.size());
    out.events.push_back(std::move(*event));
  }
  // Of a piece's last revision there may be more.
  if (!out.events.empty()) out.after = out.events.back().revision - (*piece ? 1 : 0);
  return out;
}

Result<Lease> parse_grant(std::string_view text) {
  Result<Json> json = parse(text);
  if (!json) return std::move(json.error());
  Result<int64_t> id = number(*json, "ID");
  if (!id) return std::move(id.error());
  Result<int64_t> ttl = number(*json, "TTL");
  if (!ttl) return std::move(ttl.error());
  if (*id == 0 || *ttl == 0 || *ttl > kMaxTtlSeconds) return malformed("a lease without its terms");
  return Lease{static_cast<uint64_t>(*id), seconds(*ttl)};
}

Result<Duration> parse_keep(std::string_view text) {
  Result<Json> json = Json::parse(text);
  const Json* result = json ? json->find("result") : nullptr;
  if (result == nullptr || result->find("ID") == nullptr) return malformed("no lease in it");
  Result<int64_t> ttl = number(*result, "TTL");
  if (!ttl) return std::move(ttl.error());
  if (*ttl > kMaxTtlSeconds) return malformed("a lease without its terms");
  return seconds(*ttl);
}

Fault parse_fault(int status, std::string_view text) {
  Result<Json> json = Json::parse(text);
  std::string words;
  uint64_t code = 0;
  if (json) {
    words = json->string_or("message", "").value_or("");
    if (words.empty()) words = json->string_or("error", "").value_or("");
    code = json->unsigned_or("code", 0).value_or(0);
  }
  if (words.empty()) words = "HTTP status " + std::to_string(status);
  if (words.size() > kMaxWords) words.resize(kMaxWords);
  auto says = [&](std::string_view what) { return words.contains(what); };
  switch (code) {
    case kInvalidArgument:
      if (says("too large") || says("too many operations")) return {fail(Code::too_large, words)};
      if (says("user name is empty")) return {fail(Code::denied, words)};
      return {fail(Code::invalid, words)};
    case kNotFound: return {fail(Code::not_found, words)};
    case kAlreadyExists: return {fail(Code::exists, words)};
    case kPermissionDenied:
    case kUnauthenticated: return {fail(Code::denied, words)};
    // The space it may take is full, or its queue.
    case kResourceExhausted: return {fail(Code::busy, words)};
    case kFailedPrecondition:
    case kUnimplemented: return {fail(Code::invalid, words)};
    case kOutOfRange:
      return {fail(Code::conflict, words, std::string(says("compacted") ? kCompacted : ""))};
    // No leader, timed out, stopped while it was under way, or not etcd's own words.
    default: return {fail(Code::unavailable, words), true};
  }
}

}  // namespace forebay::meta::etcd
