# cvfsd as it is but for crash points (journal/crash_point.h) and, in the second, for a journal that
# is written and never read. Only the journal and the locks differ: their objects here come before the
# libraries'.
file(GLOB journal CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fs/journal/*.cpp)
file(GLOB locks CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fs/vfs/file_lock*.cpp
  ${CMAKE_SOURCE_DIR}/fs/vfs/lock_owners.cpp)
set(with_points ${journal} ${locks})
set(version ${CMAKE_SOURCE_DIR}/fs/daemon/main/version.cpp)
foreach(variant crashtest nojournal)
  add_executable(cvfsd-${variant} ${version} ${with_points})
  target_link_libraries(cvfsd-${variant} PRIVATE cvfsd_main)
  target_compile_definitions(cvfsd-${variant} PRIVATE CVFS_VERSION="${PROJECT_VERSION}"
    CVFS_CRASH_POINTS)
  set_target_properties(cvfsd-${variant} PROPERTIES ENABLE_EXPORTS ON)
endforeach()
target_compile_definitions(cvfsd-nojournal PRIVATE CVFS_NO_JOURNAL)

# What a view is upgraded to: another version, and one with a newer layout of the state.
add_executable(cvfsd-next ${version})
target_compile_definitions(cvfsd-next PRIVATE CVFS_VERSION="9.9.9-test")
add_executable(cvfsd-newlayout ${version} ${CMAKE_SOURCE_DIR}/fs/vfs/state_sections.cpp)
target_compile_definitions(cvfsd-newlayout PRIVATE CVFS_VERSION="9.9.9-newlayout" CVFS_NEXT_LAYOUT)
foreach(program cvfsd-next cvfsd-newlayout)
  target_link_libraries(${program} PRIVATE cvfsd_main)
endforeach()
