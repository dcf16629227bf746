#include "batch/record.h"

#include <algorithm>

#include "base/json.h"

namespace forebay::batch {

namespace {

constexpr int64_t kRowVersion = 1;
constexpr Kind kKinds[] = {Kind::prefetch, Kind::removal};
constexpr State kStates[] = {State::waiting, State::running, State::done, State::failed,
                             State::cancelled};

Error not_a_row(std::string_view what) {
  return fail(Code::corrupt, "not the row of a job: " + std::string(what));
}

/// A key or a prefix, which may be empty.
bool is_text(std::string_view text) {
  return text.size() <= ObjectKey::kMaxBytes && text.find('\0') == text.npos && is_utf8(text);
}

bool is_reason(std::string_view text) {
  return text.size() <= Record::kMostReason && is_utf8(text);
}

Result<std::vector<Failure>> failures_of(const Json* json) {
  const Json::Array* list = json == nullptr ? nullptr : json->as_array();
  if (list == nullptr || list->size() > Record::kMostFailures) return not_a_row("failures");
  std::vector<Failure> out;
  for (const Json& one : *list) {
    auto key = one.string("key"), reason = one.string("reason");
    bool good = key && reason && is_text(*key) && is_reason(*reason);
    if (!good) return not_a_row("a failure");
    out.push_back({std::move(*key), std::move(*reason)});
  }
  return out;
}

Result<Counts> counts_of(const Json& row) {
  auto objects = row.unsigned_integer("objects"), bytes = row.unsigned_integer("bytes");
  auto found = row.unsigned_integer("found"), failed = row.unsigned_integer("failed");
  if (!objects || !bytes || !found || !failed) return not_a_row("counts");
  return Counts{*objects, *bytes, *found, *failed};
}

/// Rows that were written before a job knew it have none.
Result<Taken> taken_of(const Json& row) {
  Taken out;
  for (auto [name, number] :
       {std::pair("taken", &out.bytes), {"units", &out.units}, {"spread", &out.spread}}) {
    if (row.find(name) == nullptr) continue;
    auto read = row.unsigned_integer(name);
    if (!read) return not_a_row(name);
    *number = *read;
  }
  return out;
}

/// A date that need not be there.
Result<std::optional<WallTime>> date_of(const Json& row, std::string_view name) {
  const Json* json = row.find(name);
  if (json == nullptr) return std::optional<WallTime>();
  auto ns = json->as_int();
  if (!ns) return not_a_row(name);
  return std::optional<WallTime>(WallTime{*ns});
}

}  // namespace

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::prefetch: return "prefetch";
    case Kind::removal: return "removal";
  }
  return "";
}

std::string_view name(State state) {
  switch (state) {
    case State::waiting: return "waiting";
    case State::running: return "running";
    case State::done: return "done";
    case State::failed: return "failed";
    case State::cancelled: return "cancelled";
  }
  return "failed";
}

bool is_id(std::string_view text) {
  return text.size() == 16 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string reason_of(std::string_view text) {
  size_t end = std::min(text.size(), Record::kMostReason);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  text = text.substr(0, end);
  return is_utf8(text) ? std::string(text) : std::string("an error whose text is not UTF-8");
}

void Record::add_failure(std::string_view key, std::string_view reason) {
  ++counts.failed;
  bool kept = failures.size() < kMostFailures && is_text(key);
  if (kept) failures.push_back({std::string(key), reason_of(reason)});
}

void Record::take_progress(const Record& other) {
  after = other.after;
  counts = other.counts;
  taken = other.taken;
  failures = other.failures;
}

std::string encode(const Record& record) {
  Json::Array failures;
  for (const Failure& one : record.failures) {
    failures.push_back(Json().set("key", one.key).set("reason", one.reason));
  }
  Json row;
  row.set("version", kRowVersion)
      .set("work", name(record.kind))
      .set("bucket", record.bucket)
      .set("incarnation", record.incarnation)
      .set("prefix", record.prefix)
      .set("state", name(record.state))
      .set("error", record.error)
      .set("after", record.after)
      .set("objects", record.counts.objects)
      .set("bytes", record.counts.bytes)
      .set("found", record.counts.found)
      .set("failed", record.counts.failed)
      .set("taken", record.taken.bytes)
      .set("units", record.taken.units)
      .set("spread", record.taken.spread)
      .set("failures", std::move(failures))
      .set("created_ns", record.created.ns);
  if (record.started) row.set("started_ns", record.started->ns);
  if (record.ended) row.set("ended_ns", record.ended->ns);
  return row.dump();
}

Result<Record> parse_record(std::string_view id, std::string_view text) {
  if (!is_id(id)) return not_a_row("its key");
  auto row = Json::parse(text);
  if (!row) return not_a_row(row.error().text());
  if (row->integer("version").value_or(0) != kRowVersion) {
    return fail(Code::invalid, "the row of a job has a version that this program does not read");
  }
  std::string work = row->string("work").value_or("");
  auto kind = std::ranges::find(kKinds, work, [](Kind one) { return name(one); });
  if (kind == std::end(kKinds)) {
    return fail(Code::invalid, "the row of a job orders work that this program does not know");
  }
  Record out;
  out.id = id;
  out.kind = *kind;
  auto bucket = row->string("bucket"), prefix = row->string("prefix");
  auto state = row->string("state"), error = row->string("error"), after = row->string("after");
  auto incarnation = row->unsigned_integer("incarnation");
  auto created = row->integer("created_ns");
  if (!bucket || !prefix || !state || !error || !after || !incarnation || !created) {
    return not_a_row("a member is missing");
  }
  auto known = std::ranges::find(kStates, *state, [](State one) { return name(one); });
  bool good = known != std::end(kStates) && BucketName::parse(*bucket) && is_text(*prefix) &&
              is_text(*after) && is_reason(*error);
  if (!good) return not_a_row("a member is not what it should be");
  auto counts = counts_of(*row);
  if (!counts) return std::move(counts.error());
  auto taken = taken_of(*row);
  if (!taken) return std::move(taken.error());
  auto failures = failures_of(row->find("failures"));
  if (!failures) return std::move(failures.error());
  auto started = date_of(*row, "started_ns"), ended = date_of(*row, "ended_ns");
  if (!started || !ended) return not_a_row("a date");
  out.bucket = std::move(*bucket);
  out.incarnation = *incarnation;
  out.prefix = std::move(*prefix);
  out.state = *known;
  out.error = std::move(*error);
  out.after = std::move(*after);
  out.counts = *counts;
  out.taken = *taken;
  out.failures = std::move(*failures);
  out.created.ns = *created;
  out.started = *started;
  out.ended = *ended;
  return out;
}

}  // namespace forebay::batch
