# cvfs_room(NAME SEES room... [LINKS library...]): fs/NAME as one static library, which may include
# the headers of the rooms it sees and of nothing else (scripts/check-rooms reads these lines).
function(cvfs_room name)
  cmake_parse_arguments(ROOM "" "" "SEES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fs/${name}/*.cpp)
  add_library(cvfs_${name} STATIC ${sources})
  set_target_properties(cvfs_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(cvfs_${name} PUBLIC ${CMAKE_SOURCE_DIR}/fs)
  list(TRANSFORM ROOM_SEES PREPEND cvfs_)
  target_link_libraries(cvfs_${name} PUBLIC ${ROOM_SEES} ${ROOM_LINKS})
endfunction()
