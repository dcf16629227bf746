// XML that others wrote, taken in, and what we write ourselves. pugixml reads more than is XML, and
// reads some of it as another text than was written; a key that is to be deleted must be the one
// that was meant.
#pragma once

#include <cstddef>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace forebay {

/// False unless `xml` is one element, with nothing but white space, comments and processing
/// instructions around it: a document type, text or a second element beside the root, a NUL, and
/// references to what is not known (&foo;) or no character (&#0;, which would end the text) are
/// refused. White space inside of elements is kept, comments are not: a text may be in pieces.
/// False, too, when its tree would take more than `tree` bytes beside a copy of the text: 64 for
/// each element and piece of text, 40 for an attribute, rounded up to 32 KiB.
bool load_xml(pugi::xml_document& document, std::string_view xml, size_t tree);

/// Its text, without a declaration and without white space of its own.
std::string save_xml(const pugi::xml_document& document);

}  // namespace forebay
