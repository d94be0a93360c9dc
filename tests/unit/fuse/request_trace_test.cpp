#include "fuse/request_trace.h"

#include <gmock/gmock.h>
#include <linux/fuse.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace cvfs {
namespace {

std::vector<std::byte> request(std::uint32_t opcode, std::size_t arguments,
                               const std::string& rest) {
  std::vector<std::byte> bytes(sizeof(fuse_in_header) + arguments + rest.size());
  fuse_in_header header{};
  header.opcode = opcode;
  header.unique = 30;
  header.nodeid = 2;
  header.uid = 101000;
  header.gid = 5;
  header.pid = 712;
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header + arguments, rest.data(), rest.size());
  return bytes;
}

Identity identity() {
  UserNamespaceMap userns{*parse_id_map("0:100000:65536", "uidmap"),
                          *parse_id_map("0:100000:65536", "gidmap"), ""};
  return Identity(std::move(userns), StoreMap{*parse_id_map("0:1500:1:1:200000:65535", "uids"),
                                              *parse_id_map("0:1500:1:1:200000:65535", "gids")});
}

TEST(RequestTrace, SaysWhoAsksAsWhichIds) {
  const auto bytes = request(FUSE_MKDIR, sizeof(fuse_mkdir_in), std::string("a\n\"name") + '\0');
  EXPECT_EQ(trace_text(bytes, identity(), EEXIST, 12'345),
            "MKDIR of node 2 (request 30) \"a??name\" by process 712: host 101000:5, "
            "container 1000:-, disk 200999:-: EEXIST, 12 us");
}

TEST(RequestTrace, ShowsNoDataAndReadsNoFurtherThanTheMessage) {
  const auto write = request(FUSE_WRITE, sizeof(fuse_write_in), "secret");
  EXPECT_THAT(trace_text(write, identity(), 0, 0), testing::Not(testing::HasSubstr("secret")));
  // A name without an end, and none at all.
  EXPECT_THAT(trace_text(request(FUSE_LOOKUP, 0, "abc"), identity(), 0, 0),
              testing::HasSubstr(" \"abc\" by"));
  EXPECT_THAT(trace_text(request(FUSE_LOOKUP, 0, ""), identity(), 0, 0),
              testing::HasSubstr("(request 30) by process"));
  EXPECT_THAT(trace_text(std::vector<std::byte>(3), identity(), 0, 0),
              testing::HasSubstr("by process 0"));
}

}  // namespace
}  // namespace cvfs
