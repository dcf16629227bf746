#include "base/xml.h"

#include <gtest/gtest.h>

#include <string>

namespace forebay {
namespace {

constexpr size_t kMiB = 1 << 20;

bool loads(std::string_view xml, size_t tree = kMiB) {
  pugi::xml_document document;
  return load_xml(document, xml, tree);
}

TEST(LoadXml, takes_what_clients_write) {
  for (const char* text :
       {"<a/>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<a>\n  <b>x</b>\n</a>\n",
        "\xef\xbb\xbf<a/>", "<!-- x & y --><a/><!-- &#0; --> <?z &?>\n",
        "<a b='&lt;&apos;'>&#1;&#x10ffff;&#xFFFD;&#13;&amp;&lt;&gt;&quot;&apos;</a>",
        "<a><![CDATA[a&#b;&#0;fish & chips &foo;]]></a>"}) {
    EXPECT_TRUE(loads(text)) << text;
  }
}

TEST(LoadXml, refuses_what_would_be_read_as_another_text) {
  for (const char* text :
       {"<a>foo&#0;bar</a>", "<a>&#00;</a>", "<a>&#x0;</a>", "<a>&#x000;</a>", "<a b='&#0;'/>",
        "<a>&#4294967296;</a>", "<a>&#x100000000;</a>", "<a>&#xd800;</a>", "<a>&#x110000;</a>",
        "<a>&#xfffe;</a>", "<a>&#65535;</a>"}) {
    EXPECT_FALSE(loads(text)) << text;
  }
  EXPECT_FALSE(loads(std::string_view("<a/>\0<b/>", 9)));
  EXPECT_FALSE(loads(std::string_view("<a>x\0y</a>", 10)));
  EXPECT_FALSE(loads(std::string_view("\xff\xfe<\0a\0/\0>\0", 10))) << "UTF-16";
}

// Nobody has said what "&foo;" stands for; as the text it is it would name another key.
TEST(LoadXml, refuses_references_to_what_is_not_known) {
  for (const char* text : {"<a>k&foo;</a>",
                           "<a>fish & chips</a>",
                           "<a>&</a>",
                           "<a>&;</a>",
                           "<a>&amp</a>",
                           "<a>&AMP;</a>",
                           "<a>&nbsp;</a>",
                           "<a>&amp ;</a>",
                           "<a>&#;</a>",
                           "<a>&#x;</a>",
                           "<a>&#65</a>",
                           "<a>&#65 ;</a>",
                           "<a>&#-65;</a>",
                           "<a>&#+65;</a>",
                           "<a>&#X41;</a>",
                           "<a>&#x4g;</a>",
                           "<a b='&foo;'/>",
                           "<a><b>&lt;</b>&<c/></a>",
                           "<a b=\"<![CDATA[\">k&foo;<b c=\"]]>\"/></a>",
                           "<a><!-- --> &foo; <!-- --></a>"}) {
    EXPECT_FALSE(loads(text)) << text;
  }
}

TEST(LoadXml, refuses_what_is_beside_the_root) {
  for (const char* text : {"", " ", "text", "<a/>text", "text<a/>", "<a/><b/>", "<a/>&lt;",
                           "<a/><![CDATA[ ]]>", "<!DOCTYPE a><a/>", "<!-- x -->",
                           "<!DOCTYPE a [<!ENTITY k 'v'>]><a>&k;</a>", "<a><!DOCTYPE a></a>"}) {
    EXPECT_FALSE(loads(text)) << text;
  }
}

TEST(LoadXml, keeps_white_space) {
  pugi::xml_document document;
  ASSERT_TRUE(load_xml(document, "<a><![CDATA[foo]]> <!-- --> <b/></a>", kMiB));
  std::string whole;
  for (const pugi::xml_node& piece : document.document_element().children()) whole += piece.value();
  EXPECT_EQ(whole, "foo  ");
}

std::string many(std::string_view piece, size_t count) {
  std::string xml = "<a>";
  for (size_t i = 0; i < count; ++i) xml += piece;
  return xml + "</a>";
}

TEST(LoadXml, a_tree_has_a_bound) {
  // The least that is enough, and one byte less. What it takes is what the header says.
  for (std::string_view piece : {"<b/>", "<b/>x", "<b c=''/>", "<b>&amp;</b>", "<b><c/> </b>"}) {
    std::string xml = many(piece, 20'000);
    size_t low = 0, high = 8 * kMiB;
    ASSERT_TRUE(loads(xml, high)) << piece;
    while (low + 1 < high) {
      size_t middle = (low + high) / 2;
      (loads(xml, middle) ? high : low) = middle;
    }
    EXPECT_TRUE(loads(xml, high));
    EXPECT_FALSE(loads(xml, high - 1));
    size_t nodes = piece.size() > 5 ? 3 : piece.size() - 3;
    EXPECT_LE(high, 20'000 * nodes * 64 + (64 << 10)) << piece;
  }
}

TEST(LoadXml, a_bound_ends_with_its_document) {
  EXPECT_FALSE(loads(many("<b/>", 100'000)));
  EXPECT_TRUE(loads(many("<b/>", 10'000)));
  pugi::xml_document written;
  pugi::xml_node root = written.append_child("a");
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(root.append_child("b"));
}

}  // namespace
}  // namespace forebay
