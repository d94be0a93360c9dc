#include "idmap/identity.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace cvfs {
namespace {

// One kind of id, for messages.
struct Kind {
  const char* name;
  const char* file;
};
constexpr Kind kUid = {"uid", "/etc/subuid"};
constexpr Kind kGid = {"gid", "/etc/subgid"};

std::string range_text(const SubordinateRange& range) {
  return std::to_string(range.start) + ':' + std::to_string(range.count);
}

bool contains(const SubordinateRange& range, std::uint32_t id) {
  return id - range.start < range.count;
}

Outcome<void> check_root_is_outside(std::uint32_t root, const std::vector<SubordinateRange>& ranges,
                                    const Kind& kind, const std::string& object) {
  const auto found =
      std::ranges::find_if(ranges, [root](const auto& range) { return contains(range, root); });
  if (found == ranges.end()) return {};
  return refuse(object,
                std::string(kind.name) + ' ' + std::to_string(root) +
                    ", which stores container root, lies in the subordinate range " +
                    range_text(*found) + " of " + kind.file,
                "another range, or -o store" + std::string(kind.name) + "=ID outside of it");
}

Outcome<void> check_ranges_are_apart(std::vector<SubordinateRange> ranges, const Kind& kind,
                                     const std::string& object) {
  std::ranges::sort(ranges, {}, &SubordinateRange::start);
  const auto overlaps = [](const SubordinateRange& left, const SubordinateRange& right) {
    return contains(left, right.start);
  };
  const auto found = std::ranges::adjacent_find(ranges, overlaps);
  if (found == ranges.end()) return {};
  return refuse(object,
                "the subordinate ranges " + range_text(*found) + " and " +
                    range_text(*std::next(found)) + " of " + kind.file + " overlap",
                "ranges in " + std::string(kind.file) + " that share no id");
}

Outcome<IdMap> store_map(std::uint32_t root, const std::vector<SubordinateRange>& ranges,
                         const Kind& kind, const std::string& object) {
  TRY(check_root_is_outside(root, ranges, kind, object));
  TRY(check_ranges_are_apart(ranges, kind, object));
  std::vector<IdRange> laid_out = lay_out(ranges, 1);
  laid_out.push_back({0, root, 1});
  return IdMap::make(std::move(laid_out), object + ", stored " + kind.name + 's');
}

// Maps 0 and nothing else. Only the id that is none, (uid_t)-1, is refused, and no file has it:
// value() then throws for a caller that passes it by mistake.
IdMap only(std::uint32_t root, const Kind& kind) {
  return IdMap::make({{0, root, 1}}, std::string("store") + kind.name).value();
}

// Host root outside the map is container root: also where the map has no container root to show.
template <class Container, class Host>
Result<Container> container_of(const IdMap& userns, Host id) {
  const auto found = userns.to_inside(id.value);
  if (found) return Container{*found};
  if (id.value == 0) return Container{0};
  return fail(EOVERFLOW);
}

template <class Container, class Stored>
std::optional<Container> container_behind(const IdMap& store, Stored id) {
  const auto found = store.to_inside(id.value);
  if (!found) return std::nullopt;
  return Container{*found};
}

template <class Stored, class Container>
Result<Stored> stored_as(const IdMap& store, Container id) {
  const auto found = store.to_outside(id.value);
  if (!found) return fail(EOVERFLOW);
  return Stored{*found};
}

template <class Host, class Container>
Host shown_as(const IdMap& userns, Container id) {
  return Host{userns.to_outside(id.value).value_or(kUnmappedId)};
}

}  // namespace

Outcome<StoreMap> StoreMap::make(StoredUid root_uid, StoredGid root_gid,
                                 const SubordinateIds& subordinate, const std::string& object) {
  StoreMap map;
  map.uids = TRY(store_map(root_uid.value, subordinate.uids, kUid, object));
  map.gids = TRY(store_map(root_gid.value, subordinate.gids, kGid, object));
  return map;
}

StoreMap StoreMap::only_root(StoredUid root_uid, StoredGid root_gid) {
  return {only(root_uid.value, kUid), only(root_gid.value, kGid)};
}

Identity::Identity(UserNamespaceMap userns, StoreMap store)
    : userns_(std::move(userns)), store_(std::move(store)) {}

Result<ContainerUid> Identity::container(HostUid id) const {
  return container_of<ContainerUid>(userns_.uids, id);
}

Result<ContainerGid> Identity::container(HostGid id) const {
  return container_of<ContainerGid>(userns_.gids, id);
}

Result<StoredUid> Identity::stored(ContainerUid id) const {
  return stored_as<StoredUid>(store_.uids, id);
}

Result<StoredGid> Identity::stored(ContainerGid id) const {
  return stored_as<StoredGid>(store_.gids, id);
}

Result<StoredUid> Identity::stored(HostUid id) const {
  return stored(TRY(container(id)));
}

Result<StoredGid> Identity::stored(HostGid id) const {
  return stored(TRY(container(id)));
}

HostUid Identity::shown(ContainerUid id) const {
  return shown_as<HostUid>(userns_.uids, id);
}

HostGid Identity::shown(ContainerGid id) const {
  return shown_as<HostGid>(userns_.gids, id);
}

HostUid Identity::shown(StoredUid id) const {
  const auto inside = container(id);
  return inside ? shown(*inside) : HostUid{kUnmappedId};
}

HostGid Identity::shown(StoredGid id) const {
  const auto inside = container(id);
  return inside ? shown(*inside) : HostGid{kUnmappedId};
}

std::optional<ContainerUid> Identity::container(StoredUid id) const {
  return container_behind<ContainerUid>(store_.uids, id);
}

std::optional<ContainerGid> Identity::container(StoredGid id) const {
  return container_behind<ContainerGid>(store_.gids, id);
}

bool Identity::is_host_root_outside(HostUid id) const {
  return id.value == 0 && !userns_.uids.to_inside(0);
}

}  // namespace cvfs
