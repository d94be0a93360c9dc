# cvfs_room(NAME SEES room... [LINKS library...]): fs/NAME as one static library, which may include
# the headers of the rooms it sees and of nothing else (scripts/check-rooms reads these lines). Some
# sources are compiled together, for the headers cost more than they do: no two may define the same name.
function(cvfs_room name)
  cmake_parse_arguments(ROOM "" "" "SEES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fs/${name}/*.cpp)
  add_library(cvfs_${name} STATIC ${sources})
  set_target_properties(cvfs_${name} PROPERTIES LINKER_LANGUAGE CXX)
  set_target_properties(cvfs_${name} PROPERTIES UNITY_BUILD ON)
  # For "" only: <sys/file.h> must stay the system's although there is a room of that name.
  target_compile_options(cvfs_${name} PUBLIC "SHELL:-iquote ${CMAKE_SOURCE_DIR}/fs")
  list(TRANSFORM ROOM_SEES PREPEND cvfs_)
  target_link_libraries(cvfs_${name} PUBLIC ${ROOM_SEES} ${ROOM_LINKS})
endfunction()
