#include "gateway/s3/xml.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace forebay::gateway::s3 {
namespace {

std::string delete_of(size_t count) {
  std::string xml = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < count; ++i)
    xml += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
  return xml + "</Delete>";
}

TEST(Xml, writes_elements_attributes_and_escapes) {
  Xml xml("Result");
  xml.text("Key", "a<b>&\"c").number("Size", 7).boolean("IsTruncated", false);
  xml.open("Owner").text("ID", "x").close().text("After", "");
  EXPECT_EQ(xml.str(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Result "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Key>a&lt;b&gt;&amp;\"c</Key>"
            "<Size>7</Size><IsTruncated>false</IsTruncated><Owner><ID>x</ID></Owner><After></After>"
            "</Result>");
}

TEST(Xml, controls_in_keys_become_references) {
  Xml xml("R", false);
  xml.text("Key", "a\x01z");
  EXPECT_NE(xml.str().find("&#"), std::string::npos) << xml.str();
  EXPECT_EQ(xml.str().find('\x01'), std::string::npos);
  Xml line("R", false);
  line.text("Key", "a\rb\r\n");
  EXPECT_NE(line.str().find("<Key>a&#13;b&#13;\n</Key>"), std::string::npos) << line.str();
}

TEST(ParseDelete, reads_keys_versions_and_quiet) {
  auto request = parse_delete(
      "<Delete><Quiet>true</Quiet><Object><Key> a b&amp;c </Key><VersionId>v</VersionId></Object>"
      "<Object><Key>d</Key></Object></Delete>");
  ASSERT_TRUE(request) << request.error().text();
  EXPECT_TRUE(request->quiet);
  ASSERT_EQ(request->items.size(), 2U);
  EXPECT_EQ(request->items[0].key, " a b&c ");
  EXPECT_EQ(request->items[0].version_id, "v");
}

TEST(ParseDelete, keeps_its_limit) {
  EXPECT_TRUE(parse_delete(delete_of(1000)));
  EXPECT_FALSE(parse_delete(delete_of(1001)));
  EXPECT_FALSE(parse_delete(delete_of(0)));
}

TEST(ParseDelete, a_tree_has_a_bound) {
  // All fields of a version, a line each.
  std::string xml = "<Delete>\n<Quiet>1</Quiet>\n";
  for (int i = 0; i < 1000; ++i) {
    xml += "<Object>\n<Key>" + std::string(1024, 'k') + "</Key>\n<VersionId>v</VersionId>\n";
    xml += "</Object>\n";
  }
  EXPECT_TRUE(parse_delete(xml + "</Delete>"));
  // Within the length of a body, but nothing that is asked for.
  std::string elements = "<Delete>";
  for (int i = 0; i < 100'000; ++i) elements += "<a/>";
  auto request = parse_delete(elements + "</Delete>");
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().detail(), "MalformedXML");
  // The same where it would be understood: white space that is kept costs as much.
  std::string spaced = "<Delete><Object><Key>k</Key></Object>";
  for (int i = 0; i < 20'000; ++i) spaced += " <!---->";
  EXPECT_TRUE(parse_delete(spaced + "</Delete>"));
  for (int i = 0; i < 20'000; ++i) spaced += " <!---->";
  EXPECT_FALSE(parse_delete(spaced + "</Delete>"));
}

TEST(ParseDelete, refuses_what_is_not_one) {
  for (const char* text : {"", "<", "<Delete>", "<Other/>", "<Delete><Object/></Delete>",
                           "<Delete><Object><Key></Key></Object></Delete>", "plain"}) {
    auto request = parse_delete(text);
    ASSERT_FALSE(request) << text;
    EXPECT_EQ(request.error().detail(), "MalformedXML") << text;
  }
}

TEST(ParseDelete, a_key_is_all_of_its_text) {
  for (const char* key : {"foo<![CDATA[bar]]>", "<![CDATA[foo]]>bar", "foo<!-- not this -->bar",
                          "fo<![CDATA[o]]><?x y?><![CDATA[b]]>ar"}) {
    auto request =
        parse_delete("<Delete><Object><Key>" + std::string(key) + "</Key></Object></Delete>");
    ASSERT_TRUE(request) << key;
    EXPECT_EQ(request->items[0].key, "foobar") << key;
  }
}

TEST(ParseDelete, white_space_of_a_key_is_the_keys) {
  for (const auto& [text, key] :
       {std::pair("<![CDATA[foo]]> ", "foo "), std::pair(" <![CDATA[foo]]>", " foo"),
        std::pair("a<!-- --> <!-- -->b", "a b"), std::pair(" ", " ")}) {
    auto request = parse_delete("<Delete>\n  <Object>\n    <Key>" + std::string(text) +
                                "</Key>\n  </Object>\n  <Quiet>true</Quiet>\n</Delete>\n");
    ASSERT_TRUE(request) << text;
    EXPECT_EQ(request->items[0].key, key) << text;
  }
}

TEST(ParseDelete, another_key_than_was_written_is_never_read) {
  std::string good = "<Delete><Object><Key>foo</Key></Object></Delete>";
  ASSERT_TRUE(parse_delete(good));
  for (const std::string& text :
       {std::string("<Delete><Object><Key>foo&#0;bar</Key></Object></Delete>"),
        std::string("<Delete><Object><Key>foo&#x00;bar</Key></Object></Delete>"), good + "text",
        good + '\0' + "junk", "<!DOCTYPE Delete>" + good,
        std::string("<Delete><Quiet>true</Quiet><Quiet>false</Quiet>"
                    "<Object><Key>foo</Key></Object></Delete>")}) {
    auto request = parse_delete(text);
    ASSERT_FALSE(request) << text;
    EXPECT_EQ(request.error().detail(), "MalformedXML") << text;
  }
}

TEST(ParseDelete, a_condition_is_refused_not_dropped) {
  for (const char* field :
       {"<Size>7</Size>", "<LastModifiedTime>2020-01-01T00:00:00Z</LastModifiedTime>"}) {
    auto request =
        parse_delete("<Delete><Object><Key>k</Key>" + std::string(field) + "</Object></Delete>");
    ASSERT_FALSE(request) << field;
    EXPECT_EQ(request.error().detail(), "NotImplemented") << field;
  }
  auto matching = parse_delete("<Delete><Object><ETag>\"x\"</ETag><Key>k</Key></Object></Delete>");
  ASSERT_TRUE(matching);
  EXPECT_EQ(matching->items[0].etag, "\"x\"");
  for (const char* inside :
       {"<Key>k</Key><ETag>a</ETag><ETag>a</ETag>", "<Key>k</Key><Other>x</Other>",
        "<Key>k</Key><Key>l</Key>", "<Key>k<b>l</b></Key>", "text<Key>k</Key>",
        "<Key>k</Key><VersionId><b/></VersionId>"}) {
    auto request = parse_delete("<Delete><Object>" + std::string(inside) + "</Object></Delete>");
    ASSERT_FALSE(request) << inside;
    EXPECT_EQ(request.error().detail(), "MalformedXML") << inside;
  }
  EXPECT_FALSE(parse_delete("<Delete><Object><Key>k</Key></Object><More/></Delete>"));
  EXPECT_FALSE(parse_delete("<Delete><Quiet>maybe</Quiet><Object><Key>k</Key></Object></Delete>"));
}

TEST(ParseDelete, depth_is_bounded) {
  std::string deep = "<Delete><Object><Key>";
  for (int i = 0; i < 600'000; ++i) deep += "<a>";
  for (int i = 0; i < 600'000; ++i) deep += "</a>";
  EXPECT_FALSE(parse_delete(deep + "</Key></Object></Delete>"));
}

TEST(ParseCreateBucket, takes_a_place_and_nothing_else) {
  EXPECT_EQ(parse_create_bucket("<CreateBucketConfiguration/>").value(), "");
  EXPECT_EQ(parse_create_bucket("<CreateBucketConfiguration><LocationConstraint>eu-west-1"
                                "</LocationConstraint></CreateBucketConfiguration>")
                .value(),
            "eu-west-1");
  for (const char* text : {"", "{}", "<CreateBucketConfiguration>", "<Other/>",
                           "<CreateBucketConfiguration><Odd/></CreateBucketConfiguration>",
                           "<CreateBucketConfiguration/><More/>",
                           "<CreateBucketConfiguration><LocationConstraint>eu&#0;-west-1"
                           "</LocationConstraint></CreateBucketConfiguration>"}) {
    auto place = parse_create_bucket(text);
    ASSERT_FALSE(place) << text;
    EXPECT_EQ(place.error().detail(), "MalformedXML") << text;
  }
  auto tagged = parse_create_bucket(
      "<CreateBucketConfiguration><Tags><Tag/></Tags></CreateBucketConfiguration>");
  ASSERT_FALSE(tagged);
  EXPECT_EQ(tagged.error().detail(), "NotImplemented");
}

TEST(Xml, what_is_no_utf8_stays_readable) {
  Xml xml("R", false);
  xml.text("Key", "a\xffz").text("Nul", std::string_view("b\0c", 3));
  EXPECT_EQ(xml.str(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><R><Key>a\xef\xbf\xbdz</Key>"
            "<Nul>b\xef\xbf\xbd"
            "c</Nul></R>");
}

TEST(ParseComplete, reads_parts_with_and_without_quotes) {
  auto parts = parse_complete(
      "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"aa\"</ETag></Part>"
      "<Part><ETag>bb</ETag><PartNumber>10000</PartNumber>"
      "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>");
  ASSERT_TRUE(parts) << parts.error().text();
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].etag.text(), "\"aa\"");
  EXPECT_EQ((*parts)[1].etag.text(), "\"bb\"");
  EXPECT_EQ((*parts)[1].checksums.at("x-amz-checksum-crc32"), "AAAAAA==");
}

std::string complete_of(const std::string& first, const std::string& second) {
  auto part = [](const std::string& number) {
    return "<Part><PartNumber>" + number + "</PartNumber><ETag>e</ETag></Part>";
  };
  return "<CompleteMultipartUpload>" + part(first) + part(second) + "</CompleteMultipartUpload>";
}

// As many parts as fit into a body, with some of the checksums each, an element a line.
TEST(ParseComplete, takes_whatever_fits_into_a_body) {
  for (size_t sums = 0; sums < kAllChecksumKinds.size(); ++sums) {
    std::string xml = "<CompleteMultipartUpload>\n";
    size_t count = 0;
    while (count < 10'000) {
      std::string part = "<Part>\n<PartNumber>" + std::to_string(count + 1) + "</PartNumber>\n";
      part += "<ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag>\n";
      for (size_t i = 0; i < sums; ++i) {
        std::string field = "Checksum" + std::string(name(kAllChecksumKinds[i]));
        part += "<" + field + ">AAAAAA==</" + field + ">\n";
      }
      part += "</Part>\n";
      if (xml.size() + part.size() + 30 > kMaxXmlBody) break;
      xml += part;
      ++count;
    }
    auto parts = parse_complete(xml + "</CompleteMultipartUpload>");
    ASSERT_TRUE(parts) << sums;
    EXPECT_EQ(parts->size(), count);
  }
}

TEST(ParseComplete, a_tree_has_a_bound) {
  std::string xml =
      "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag>"
      "</Part>";
  while (xml.size() < kMaxXmlBody - 40) xml += " <!---->";
  auto parts = parse_complete(xml + "</CompleteMultipartUpload>");
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().detail(), "MalformedXML");
}

TEST(ParseComplete, refuses_disorder_and_numbers_out_of_bounds) {
  struct Case {
    const char *first, *second, *code;
  };
  for (const Case& c : {Case{"2", "1", "InvalidPartOrder"}, Case{"1", "1", "InvalidPartOrder"},
                        Case{"0", "1", "MalformedXML"}, Case{"1", "10001", "MalformedXML"},
                        Case{"1", "x", "MalformedXML"}, Case{"1", "", "MalformedXML"}}) {
    auto parts = parse_complete(complete_of(c.first, c.second));
    ASSERT_FALSE(parts);
    EXPECT_EQ(parts.error().detail(), c.code) << c.first << " " << c.second;
  }
  EXPECT_FALSE(parse_complete("<CompleteMultipartUpload/>"));
  for (const char* part : {"<PartNumber>1&#0;2</PartNumber><ETag>a</ETag>",
                           "<PartNumber>1</PartNumber><ETag>a&#0;b</ETag>",
                           "<PartNumber>1</PartNumber><PartNumber>2</PartNumber><ETag>a</ETag>",
                           "<PartNumber>1</PartNumber><ETag>a</ETag><ETag>b</ETag>"}) {
    EXPECT_FALSE(parse_complete("<CompleteMultipartUpload><Part>" + std::string(part) +
                                "</Part></CompleteMultipartUpload>"))
        << part;
  }
}

TEST(ParseComplete, refuses_what_it_does_not_understand) {
  const std::string number = "<PartNumber>1</PartNumber>", etag = "<ETag>e</ETag>";
  const std::string sum = "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>";
  auto document = [](const std::string& part, const std::string& beside) {
    return "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + beside +
           "\n <Part>" + part + "</Part></CompleteMultipartUpload>";
  };
  struct Case {
    std::string part, beside = {};
  };
  for (const Case& c : {Case{number + etag, "<Odd/>"}, Case{number + etag + "<Size>7</Size>"},
                        Case{number + etag + "<ChecksumODD>7</ChecksumODD>"},
                        Case{number + etag + "<Checksumcrc32>AAAAAA==</Checksumcrc32>"},
                        Case{number + etag + "<Checksum>7</Checksum>"},
                        Case{"<PartNumber>3</PartNumber>" + number + etag},
                        Case{number + "<ETag>other</ETag>" + etag}, Case{number + etag + sum + sum},
                        Case{number + etag + "<ChecksumCRC32><a>x</a></ChecksumCRC32>"},
                        Case{number + "<ETag><a/>e</ETag>"}, Case{number}, Case{etag}}) {
    auto parts = parse_complete(document(c.part, c.beside));
    ASSERT_FALSE(parts) << c.part << c.beside;
    EXPECT_EQ(parts.error().detail(), "MalformedXML") << c.part << c.beside;
  }
  auto good = parse_complete(document("<!-- a note -->" + number + etag + sum, "<!-- more -->"));
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ(good->size(), 1U);
}

TEST(ParseComplete, takes_a_namespace_with_a_prefix) {
  auto parts = parse_complete(
      "<s:CompleteMultipartUpload xmlns:s=\"http://s3.amazonaws.com/doc/2006-03-01/\"><s:Part>"
      "<s:ETag>e</s:ETag><s:PartNumber>1</s:PartNumber></s:Part></s:CompleteMultipartUpload>");
  ASSERT_TRUE(parts) << parts.error().text();
}

}  // namespace
}  // namespace forebay::gateway::s3
