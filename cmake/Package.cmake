# The Debian package: scripts/package, or cpack in a build directory that has been built. What it
# depends on dpkg-shlibdeps(1) finds out.
# The administrator's own stays where there is one; in the package it is a conffile.
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}/etc/cvfs/cvfs.conf\")
    file(INSTALL \"${CMAKE_SOURCE_DIR}/cmake/package/cvfs.conf\" DESTINATION /etc/cvfs)
  endif()")
install(FILES cmake/package/tmpfiles.conf RENAME cvfs.conf DESTINATION /usr/lib/tmpfiles.d)
file(GLOB pages CONFIGURE_DEPENDS docs/*.md)
install(FILES cmake/package/systemd/cvfs-metrics.socket cmake/package/systemd/cvfs-metrics@.service
  DESTINATION /usr/lib/systemd/system)
install(FILES README.md SECURITY.md CHANGELOG.md cmake/package/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(DIRECTORY cmake/package/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CVFS_MAINTAINER "The cvfs developers <cvfs@localhost>" CACHE STRING "Maintainer of the Debian package")

# cpack would build everything, tests included, before it packs.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/CompressDocuments.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CVFS_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "A view of a user's directory in which files belong to the right users, both
in containers with a user namespace (Docker's userns-remap, rootless podman)
and on the host. File locks hold between containers and the host, and a
daemon that dies or is upgraded costs no container an error.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# What shlibdeps does not see: mount(8) calls mount.cvfs.
set(CPACK_DEBIAN_PACKAGE_DEPENDS mount)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS passwd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(file conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/cmake/package/debian/${file})
endforeach()
include(CPack)
