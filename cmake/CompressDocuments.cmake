# As Debian has them: manual pages and the changelog are compressed. Run by cpack on what it has
# installed in its directory.
file(GLOB_RECURSE pages "${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/*.[1-8]")
set(documents "${CPACK_TEMPORARY_DIRECTORY}/usr/share/doc/cvfs")

# The changelog in Debian's own form (deb-changelog(5)): its entries, as of this version. The date is SOURCE_DATE_EPOCH's
# where that is set.
file(READ "${documents}/CHANGELOG.md" text)
string(REGEX REPLACE "^.*### Added\n" "" text "${text}")
string(REGEX REPLACE "\n(##+|\\[)[^\n]*" "\n" text "${text}")
string(REGEX REPLACE "(^|\n)  ([^ ])" "\\1    \\2" text "${text}")
string(REGEX REPLACE "(^|\n)- " "\\1  * " text "${text}")
string(REGEX REPLACE "\n\n+" "\n" text "${text}")
string(STRIP "${text}" text)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE "${documents}/changelog"
  "cvfs (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n  ${text}\n\n -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}\n")
execute_process(COMMAND gzip -9n ${pages} "${documents}/changelog" COMMAND_ERROR_IS_FATAL ANY)
