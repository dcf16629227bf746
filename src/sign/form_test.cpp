#include "sign/form.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace forebay::sign {
namespace {

const Secret kFormSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
const WallTime kFormTime = *parse_amz_date("20300524T010203Z");

// botocore 1.40's S3SigV4PostAuth made it.
FormFields form_by_botocore() {
  return {.policy =
              "eyJleHBpcmF0aW9uIjogIjIwMzAtMDUtMjRUMDI6MDA6MDBaIiwgImNvbmRpdGlvbnMiOiBbeyJidWNrZXQi"
              "OiAiYiJ9LCB7ImtleSI6ICJrIn0sIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwg"
              "eyJ4LWFtei1jcmVkZW50aWFsIjogIkFLSURFWEFNUExFLzIwMzAwNTI0L2V1LXdlc3QtMS9zMy9hd3M0X3Jl"
              "cXVlc3QifSwgeyJ4LWFtei1kYXRlIjogIjIwMzAwNTI0VDAxMDIwM1oifV19",
          .algorithm = "AWS4-HMAC-SHA256",
          .credential = "AKIDEXAMPLE/20300524/eu-west-1/s3/aws4_request",
          .date = "20300524T010203Z",
          .signature = "a27da5ad9a33287500f045fe87f3a0b574e76bb675d6a0eaa4c53d39b64e9572",
          .security_token = ""};
}

std::string form_refusal(const FormFields& fields, WallTime now = kFormTime) {
  auto claim = parse_form(fields);
  if (!claim) return claim.error().detail();
  if (!*claim) return "anonymous";
  auto good = verify_form(**claim, fields.policy, derive_key(kFormSecret, (*claim)->scope), now);
  return good ? "none" : good.error().detail();
}

TEST(SignForm, of_botocore_is_verified) {
  FormFields fields = form_by_botocore();
  EXPECT_EQ(form_refusal(fields), "none");
  auto claim = parse_form(fields);
  EXPECT_EQ((*claim)->access_key, "AKIDEXAMPLE");
  EXPECT_EQ((*claim)->scope.region, "eu-west-1");
  EXPECT_EQ((*claim)->form, Claim::Form::form);
}

TEST(SignForm, covers_the_policy) {
  FormFields fields = form_by_botocore();
  std::string policy(fields.policy);
  policy[10] = policy[10] == 'A' ? 'B' : 'A';
  fields.policy = policy;
  EXPECT_EQ(form_refusal(fields), "SignatureDoesNotMatch");
  fields = form_by_botocore();
  fields.credential = "AKIDEXAMPLE/20300524/us-east-1/s3/aws4_request";
  EXPECT_EQ(form_refusal(fields), "SignatureDoesNotMatch") << "another region, another key";
  fields = form_by_botocore();
  fields.signature = fields.signature.substr(0, 63);
  EXPECT_EQ(form_refusal(fields), "SignatureDoesNotMatch");
}

TEST(SignForm, has_all_of_its_fields_or_no_policy) {
  EXPECT_EQ(form_refusal({}), "anonymous");
  FormFields only = form_by_botocore();
  only.policy = "";
  EXPECT_EQ(form_refusal(only), "anonymous");
  for (std::string_view FormFields::* field : {&FormFields::algorithm, &FormFields::credential,
                                               &FormFields::date, &FormFields::signature}) {
    FormFields fields = form_by_botocore();
    fields.*field = "";
    EXPECT_EQ(form_refusal(fields), "InvalidArgument");
  }
  auto with = [](std::string_view FormFields::* field, std::string_view text) {
    FormFields fields = form_by_botocore();
    fields.*field = text;
    return form_refusal(fields);
  };
  EXPECT_EQ(with(&FormFields::algorithm, "AWS4-HMAC-SHA1"), "InvalidArgument");
  EXPECT_EQ(with(&FormFields::algorithm, "AWS4-ECDSA-P256-SHA256"), "NotImplemented");
  EXPECT_EQ(with(&FormFields::date, "20300524"), "InvalidArgument");
  EXPECT_EQ(with(&FormFields::date, "20300525T010203Z"), "InvalidArgument") << "another day";
  for (std::string_view bad :
       {"AKIDEXAMPLE", "AKIDEXAMPLE/20300524/eu-west-1/sqs/aws4_request",
        "AKIDEXAMPLE/20300524/eu-west-1/s3/aws5_request", "/20300524/eu-west-1/s3/aws4_request"}) {
    EXPECT_EQ(with(&FormFields::credential, bad), "InvalidArgument") << bad;
  }
}

TEST(SignForm, is_good_for_seven_days) {
  auto after = [](int64_t s) { return WallTime{kFormTime.ns + s * 1'000'000'000}; };
  FormFields fields = form_by_botocore();
  EXPECT_EQ(form_refusal(fields, after(7 * 24 * 3600)), "none");
  EXPECT_EQ(form_refusal(fields, after(7 * 24 * 3600 + 1)), "AccessDenied");
  EXPECT_EQ(form_refusal(fields, after(-15 * 60)), "none");
  EXPECT_EQ(form_refusal(fields, after(-15 * 60 - 1)), "AccessDenied");
}

}  // namespace
}  // namespace forebay::sign
