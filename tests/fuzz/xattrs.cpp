// ACLs and file capabilities, as containers set them and as they lie on disk.
#include <vector>

#include "fuzz.h"
#include "idmap/xattr_ids.h"

namespace cvfs {
namespace {

Identity identity() {
  UserNamespaceMap userns{*parse_id_map("0:100000:65536", "uidmap"),
                          *parse_id_map("0:100000:65536", "gidmap"), ""};
  return Identity(std::move(userns), StoreMap{*parse_id_map("0:1500:1:1:200000:65535", "uids"),
                                              *parse_id_map("0:1500:1:1:200000:65535", "gids")});
}

using Bytes = std::vector<std::byte>;

void translate(const Bytes& value) {
  static const Identity ids = identity();
  Bytes stored = value;
  if (translate_acl_to_stored(stored, ids)) {
    Bytes shown = stored;
    fuzz::require(translate_acl_to_shown(shown, ids).has_value(), "what is stored can be shown");
    // Host root outside the map is stored as container root, and shown as that.
    Bytes again = shown;
    fuzz::require(translate_acl_to_stored(again, ids) && again == stored, "there and back");
  }
  Bytes inside = value;
  (void)translate_acl_to_container(inside, ids);
  inside = value;
  (void)translate_acl_from_container(inside, ids);
  const auto capability = translate_capability_to_stored(value, ids);
  if (capability) {
    fuzz::require(translate_capability_to_shown(capability->bytes, ids).has_value(),
                  "a capability that is stored can be shown");
  }
  (void)translate_capability_to_shown(value, ids);
}

}  // namespace
}  // namespace cvfs

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  cvfs::translate({bytes, bytes + size});
  return 0;
}
