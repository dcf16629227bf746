#include "gateway/s3/access.h"

#include "gateway/s3/call.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

http::Response acl_response() {
  Xml xml("AccessControlPolicy");
  xml.open("Owner").text("ID", kOwner).text("DisplayName", kOwner).close();
  xml.open("AccessControlList").open("Grant");
  xml.grantee(kOwner);
  xml.text("Permission", "FULL_CONTROL");
  return xml.response();
}

}  // namespace forebay::gateway::s3
