#include "base/encoding.h"
#include "gateway/s3/document.h"
#include "gateway/s3/lifecycle.h"

namespace forebay::gateway::s3 {

namespace {

void write_predicates(Xml& xml, const object::LifecycleFilter& filter) {
  if (filter.prefix) xml.text("Prefix", *filter.prefix);
  for (const auto& [name, value] : filter.tags) {
    xml.open("Tag").text("Key", name).text("Value", value).close();
  }
  if (filter.larger) xml.number("ObjectSizeGreaterThan", *filter.larger);
  if (filter.smaller) xml.number("ObjectSizeLessThan", *filter.smaller);
}

void write_filter(Xml& xml, const object::LifecycleFilter& filter) {
  using Form = object::LifecycleFilter::Form;
  if (filter.form == Form::rule) return write_predicates(xml, filter);
  xml.open("Filter");
  if (filter.form == Form::all) xml.open("And");
  write_predicates(xml, filter);
  if (filter.form == Form::all) xml.close();
  xml.close();
}

void write_rule(Xml& xml, const object::LifecycleRule& rule) {
  xml.open("Rule").text("ID", rule.id);
  write_filter(xml, rule.filter);
  xml.text("Status", rule.enabled ? "Enabled" : "Disabled");
  if (rule.days || rule.date || rule.lone_markers) {
    xml.open("Expiration");
    if (rule.days) xml.number("Days", *rule.days);
    if (rule.date) xml.text("Date", iso8601(object::midnight(*rule.date)));
    if (rule.lone_markers) xml.boolean("ExpiredObjectDeleteMarker", *rule.lone_markers);
    xml.close();
  }
  if (rule.noncurrent_days) {
    xml.open("NoncurrentVersionExpiration").number("NoncurrentDays", *rule.noncurrent_days);
    if (rule.newer_noncurrent) xml.number("NewerNoncurrentVersions", *rule.newer_noncurrent);
    xml.close();
  }
  if (rule.abort_days) {
    xml.open("AbortIncompleteMultipartUpload")
        .number("DaysAfterInitiation", *rule.abort_days)
        .close();
  }
  xml.close();
}

}  // namespace

Task<http::Response> get_bucket_lifecycle_configuration(Call& call, Context) {
  object::BucketRef bucket = co_await call.bucket();
  co_await has_lifecycle(*bucket, false);
  const object::LifecycleRef& lifecycle = bucket->settings.lifecycle;
  if (lifecycle == nullptr) {
    co_return fail(Code::not_found, "The lifecycle configuration does not exist",
                   "NoSuchLifecycleConfiguration");
  }
  Xml xml("LifecycleConfiguration");
  for (const object::LifecycleRule& rule : lifecycle->rules) write_rule(xml, rule);
  http::Response response = co_await document(call, xml);
  response.fields.add(kTransitionSize, lifecycle->varies ? kTransitionVaries : kTransitionUsual);
  co_return response;
}

}  // namespace forebay::gateway::s3
