#include "control/tenant_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cvfs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uid_t kToto = 1500;

class TenantSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/cvfs-tenant-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    base_ = name;
    containerdata_ = base_ / "containerdata";
    make_tenant("toto", kToto);
    make_tenant("titi", kToto + 1);
    fs::create_directories(toto() / "var/log");
    std::ofstream(toto() / "file") << "text";
  }
  void TearDown() override { fs::remove_all(base_); }

  fs::path toto() const { return containerdata_ / "user-toto"; }

  void make_tenant(const std::string& name, uid_t owner) {
    const fs::path path = containerdata_ / ("user-" + name);
    fs::create_directories(path);
    // Not root: the tenants are whoever runs the test.
    if (::geteuid() != 0) return;
    ASSERT_EQ(::chown(path.c_str(), owner, owner + 1), 0);
  }

  Outcome<TenantSource> open(const std::string& spec) const {
    return open_tenant_source(spec, containerdata_);
  }

  std::string refusal(const std::string& spec) const {
    const auto source = open(spec);
    EXPECT_FALSE(source) << spec;
    if (source) return "";
    EXPECT_EQ(source.error().code, ExitCode::kMountFailed);
    const auto first_line_end = source.error().message().find('\n');
    EXPECT_EQ(source.error().message().find('\n', first_line_end + 1), std::string::npos) << spec;
    return source.error().message();
  }

  fs::path base_;
  fs::path containerdata_;
};

bool same_file(int fd, const fs::path& path) {
  struct stat a {};
  struct stat b {};
  return ::fstat(fd, &a) == 0 && ::stat(path.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

TEST_F(TenantSourceTest, ANameIsTheTenantsWholeDirectory) {
  const auto source = open("toto");
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->tenant, "toto");
  EXPECT_EQ(source->path, "/");
  EXPECT_EQ(source->name, "toto");
  EXPECT_TRUE(same_file(source->tenant_root.get(), toto()));
  EXPECT_TRUE(same_file(source->directory.get(), toto()));
  EXPECT_NE(::fcntl(source->tenant_root.get(), F_GETFL) & O_PATH, 0);
  EXPECT_EQ(::fcntl(source->directory.get(), F_GETFL) & (O_PATH | O_ACCMODE), O_RDONLY);
  EXPECT_EQ(::fcntl(source->directory.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(TenantSourceTest, TheOwnerIsTheOwnerOfTheTenantsDirectoryNotOfWhatIsServed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto source = open("toto:/var/log");  // belongs to root
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->owner_uid, kToto);
  EXPECT_EQ(source->owner_gid, kToto + 1);
}

TEST_F(TenantSourceTest, APathIsTakenBelowTheTenantsDirectoryAndNormalised) {
  for (const std::string spec : {"toto:/var/log", "toto://var/./log/"}) {
    const auto source = open(spec);
    ASSERT_TRUE(source) << source.error().message();
    EXPECT_EQ(source->path, "/var/log");
    EXPECT_EQ(source->name, "toto:/var/log");
    EXPECT_TRUE(same_file(source->directory.get(), toto() / "var/log"));
    EXPECT_TRUE(same_file(source->tenant_root.get(), toto()));
  }
  EXPECT_EQ(open("toto:/")->name, "toto");
}

TEST_F(TenantSourceTest, AnAbsolutePathBelowContainerdataNamesTheSame) {
  EXPECT_EQ(open(toto())->name, "toto");
  EXPECT_EQ(open(toto().string() + "/var/log/")->name, "toto:/var/log");
  EXPECT_EQ(open_tenant_source(containerdata_.string() + "//user-toto//var",
                               containerdata_.string() + "//")
                ->name,
            "toto:/var");
}

TEST_F(TenantSourceTest, AnAbsolutePathElsewhereIsRefused) {
  const std::string path = containerdata_;
  for (const std::string& spec : {std::string("/etc"), path, path + "/", path + "/toto",
                                  path + "2/user-toto", base_.string() + "/user-toto"}) {
    EXPECT_THAT(refusal(spec), HasSubstr("not below")) << spec;
  }
}

TEST_F(TenantSourceTest, ANameThatUseraddWouldRefuseIsRefused) {
  for (const std::string spec :
       {":/data", "-toto", "1500", "to to", "to\xc3\xa9", "$", "..", ".", "user/toto",
        "../user-titi", "toto/../titi", "a$b", "a234567890123456789012345678901234567890"}) {
    EXPECT_THAT(refusal(spec), HasSubstr("is not a tenant's name")) << spec;
  }
  EXPECT_THAT(refusal(containerdata_.string() + "/user-/data"), HasSubstr("tenant's name"));
  for (const std::string spec : {"_apt", "Ada.Lovelace-2", "samba$"}) {
    EXPECT_THAT(refusal(spec), HasSubstr("no such tenant")) << spec;
  }
}

TEST_F(TenantSourceTest, AMalformedSourceIsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(refusal("toto:"), HasSubstr("must begin with '/'"));
  EXPECT_THAT(refusal("toto:data"), HasSubstr("try: toto:/data"));
  EXPECT_THAT(refusal("toto:/a\nb"), HasSubstr("control character"));
  EXPECT_THAT(refusal(std::string("toto:/a\0b", 9)), HasSubstr("control character"));
}

TEST_F(TenantSourceTest, DotDotIsRefusedAndNotNormalised) {
  const std::string path = containerdata_;
  for (const std::string& spec :
       {std::string("toto:/.."), std::string("toto:/../user-titi"), std::string("toto:/var/../var"),
        path + "/user-toto/../user-titi"}) {
    EXPECT_THAT(refusal(spec), HasSubstr("must not contain '..'")) << spec;
  }
  fs::create_directory(toto() / "..dots..");
  EXPECT_TRUE(open("toto:/..dots.."));
}

TEST_F(TenantSourceTest, WithoutContainerdataNothingIsServed) {
  const auto source = open_tenant_source("toto", base_ / "nowhere");
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message(),
              HasSubstr("nowhere: the directory of all tenants does not"));
}

TEST_F(TenantSourceTest, ATenantThatDoesNotExistIsRefused) {
  EXPECT_THAT(refusal("tata:/data"), HasSubstr("user-tata: no such tenant"));
}

TEST_F(TenantSourceTest, ATenantsDirectoryThatIsASymlinkIsRefused) {
  fs::create_symlink("user-toto", containerdata_ / "user-link");
  EXPECT_THAT(refusal("link"), HasSubstr("user-link: is a symlink"));
}

TEST_F(TenantSourceTest, ATenantsDirectoryThatIsAFileIsRefused) {
  std::ofstream(containerdata_ / "user-file") << "";
  EXPECT_THAT(refusal("file"), HasSubstr("user-file: is not a directory"));
}

TEST_F(TenantSourceTest, RootIsNoTenant) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  make_tenant("root", 0);
  EXPECT_THAT(refusal("root"), HasSubstr("belongs to root"));
}

TEST_F(TenantSourceTest, APathThatIsMissingOrAFileIsRefused) {
  EXPECT_THAT(refusal("toto:/missing"), HasSubstr("toto:/missing: no such directory"));
  EXPECT_THAT(refusal("toto:/missing/deep"), HasSubstr("no such directory"));
  EXPECT_THAT(refusal("toto:/file"), HasSubstr("toto:/file: is not a directory"));
  EXPECT_THAT(refusal("toto:/file/deep"), HasSubstr("is not a directory"));
}

TEST_F(TenantSourceTest, SymlinksThatStayInsideAreFollowed) {
  fs::create_symlink("var/log", toto() / "inside");
  fs::create_symlink("../var", toto() / "var/loop");
  EXPECT_TRUE(same_file(open("toto:/inside")->directory.get(), toto() / "var/log"));
  EXPECT_TRUE(same_file(open("toto:/var/loop/log")->directory.get(), toto() / "var/log"));
}

TEST_F(TenantSourceTest, SymlinksThatLeadOutAreRefused) {
  fs::create_symlink("/etc", toto() / "absolute");
  fs::create_symlink("../user-titi", toto() / "climbing");
  fs::create_symlink(toto() / "var", toto() / "absolute_inside");
  fs::create_symlink("/proc/self/root", toto() / "magic");
  for (const std::string name : {"absolute", "climbing", "absolute_inside", "magic"}) {
    EXPECT_THAT(refusal("toto:/" + name), HasSubstr("leads out of the tenant's tree")) << name;
  }
}

TEST_F(TenantSourceTest, ASymlinkLoopIsRefused) {
  fs::create_symlink("loop", toto() / "loop");
  EXPECT_THAT(refusal("toto:/loop"), HasSubstr("magic link or too many symlinks"));
}

}  // namespace
}  // namespace cvfs
