# Libraries. scripts/bootstrap builds libfuse and liburing into .deps where the system's are too old.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
set(ENV{PKG_CONFIG_PATH} "${CMAKE_SOURCE_DIR}/.deps/lib/pkgconfig:$ENV{PKG_CONFIG_PATH}")
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3>=3.18.3)
# libfuse's io_uring transport needs it; cvfs itself does not call it yet.
pkg_check_modules(LIBURING REQUIRED IMPORTED_TARGET liburing>=2.9)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
