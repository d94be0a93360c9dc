# As Debian has them: manual pages and the changelog are compressed. Run by cpack on what it has
# installed in its directory.
file(GLOB_RECURSE pages "${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/*.[1-8]")
set(documents "${CPACK_TEMPORARY_DIRECTORY}/usr/share/doc/cvfs")
file(RENAME "${documents}/CHANGELOG.md" "${documents}/changelog")
execute_process(COMMAND gzip -9n ${pages} "${documents}/changelog" COMMAND_ERROR_IS_FATAL ANY)
