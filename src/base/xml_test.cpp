#include "base/xml.h"

#include <gtest/gtest.h>

#include <string>

namespace forebay {
namespace {

bool loads(std::string_view xml) {
  pugi::xml_document document;
  return load_xml(document, xml);
}

TEST(LoadXml, takes_what_clients_write) {
  for (const char* text :
       {"<a/>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<a>\n  <b>x</b>\n</a>\n",
        "\xef\xbb\xbf<a/>", "<!-- x --><a/><!-- y --> <?z?>\n", "<a>&#1;&#x10ffff;&#13;&amp;</a>",
        "<a>fish & chips</a>", "<a><![CDATA[a&#b;&#0]]></a>"}) {
    EXPECT_TRUE(loads(text)) << text;
  }
}

TEST(LoadXml, refuses_what_would_be_read_as_another_text) {
  for (const char* text : {"<a>foo&#0;bar</a>", "<a>&#00;</a>", "<a>&#x0;</a>", "<a>&#x000;</a>",
                           "<a b='&#0;'/>", "<a>&#4294967296;</a>", "<a>&#x100000000;</a>",
                           "<a>&#xd800;</a>", "<a>&#x110000;</a>", "<a><![CDATA[&#0;]]></a>"}) {
    EXPECT_FALSE(loads(text)) << text;
  }
  EXPECT_FALSE(loads(std::string_view("<a/>\0<b/>", 9)));
  EXPECT_FALSE(loads(std::string_view("<a>x\0y</a>", 10)));
  EXPECT_FALSE(loads(std::string_view("\xff\xfe<\0a\0/\0>\0", 10))) << "UTF-16";
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
  ASSERT_TRUE(load_xml(document, "<a><![CDATA[foo]]> <!-- --> <b/></a>"));
  std::string whole;
  for (const pugi::xml_node& piece : document.document_element().children()) whole += piece.value();
  EXPECT_EQ(whole, "foo  ");
}

}  // namespace
}  // namespace forebay
