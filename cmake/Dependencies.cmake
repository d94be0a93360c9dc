# Libraries. scripts/bootstrap builds libfuse and liburing into .deps where the system's are too old.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
set(ENV{PKG_CONFIG_PATH} "${CMAKE_SOURCE_DIR}/.deps/lib/pkgconfig:$ENV{PKG_CONFIG_PATH}")
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3>=3.18.3)
# libfuse's io_uring transport needs it; cvfs itself does not call it yet.
pkg_check_modules(LIBURING REQUIRED IMPORTED_TARGET liburing>=2.9)
# The static one of .deps: Debian's has another name in each Debian.
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core>=1.0)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)

# A view's program needs no library but those that every Debian has: it is started again as long as the
# view is mounted, whatever becomes of the machine's packages meanwhile (docs/dependencies.md). Debian
# has spdlog and fmt as shared libraries alone: spdlog is fs/base/spdlog.cpp here, fmt its headers.
add_library(cvfs_logging INTERFACE)
target_compile_definitions(cvfs_logging INTERFACE SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
target_link_libraries(cvfs_logging INTERFACE Threads::Threads)
foreach(package spdlog::spdlog fmt::fmt)
  get_target_property(directories ${package} INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(cvfs_logging SYSTEM INTERFACE ${directories})
endforeach()
find_library(NUMA_ARCHIVE libnuma.a)
if(NUMA_ARCHIVE)
  get_target_property(libraries PkgConfig::FUSE3 INTERFACE_LINK_LIBRARIES)
  list(TRANSFORM libraries REPLACE "^.*libnuma\\.so$" "${NUMA_ARCHIVE}")
  set_target_properties(PkgConfig::FUSE3 PROPERTIES INTERFACE_LINK_LIBRARIES "${libraries}")
endif()
