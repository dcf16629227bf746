# forebay_room(NAME DEPENDS …): a room is src/NAME: its sources make the static library NAME, its
# *_test.cpp make the test binary NAME_test, but *_threads_test.cpp make NAME_threads_test, so that
# the thread sanitizer need not compile the others; each *_fuzz.cpp is a fuzzer, and a link test
# proves that the room needs no symbol from above.
set(FOREBAY_ROOMS "" CACHE INTERNAL "")

# Rooms by name, from the law itself: one that has no sources yet is nobody's library.
file(STRINGS ${CMAKE_SOURCE_DIR}/src/LAYERS FOREBAY_LAYERS REGEX "^[a-z]+:")
list(TRANSFORM FOREBAY_LAYERS REPLACE ":.*" "")

# Several sources are compiled as one: most of a source's time goes into headers and templates that
# its neighbours need too (docs/build-time.md). Fewer at once keep both cores busy and an edit cheap.
function(forebay_unity TARGET BATCH)
  if(FOREBAY_UNITY)
    set_target_properties(${TARGET} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${BATCH})
  endif()
endfunction()

function(forebay_tests NAME ROOM)
  add_executable(${NAME} ${ARGN})
  # testkit stands above the rooms it helps, so tests link it where it exists.
  target_link_libraries(${NAME} ${ROOM} $<TARGET_NAME_IF_EXISTS:testkit> GTest::gtest_main
                        GTest::gmock)
  forebay_unity(${NAME} 6)
  if(FOREBAY_SANITIZE)
    # What is tested keeps its level; the tests themselves compile in less than half the time
    # (docs/build-time.md).
    target_compile_options(${NAME} PRIVATE -O0)
  endif()
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST TEST_PREFIX ${ROOM}/
                       PROPERTIES TIMEOUT 600)
endfunction()

function(forebay_room NAME)
  cmake_parse_arguments(ROOM "" "" "DEPENDS" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/src/${NAME})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$|/main\\.cpp$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  if(NOT sources)
    return()
  endif()
  foreach(depend ${ROOM_DEPENDS})
    if(depend IN_LIST FOREBAY_LAYERS AND NOT TARGET ${depend})
      list(REMOVE_ITEM ROOM_DEPENDS ${depend})
    endif()
  endforeach()
  add_library(${NAME} STATIC ${sources})
  target_link_libraries(${NAME} PUBLIC ${ROOM_DEPENDS} Threads::Threads)
  forebay_unity(${NAME} 8)
  set(FOREBAY_ROOMS ${FOREBAY_ROOMS} ${NAME} CACHE INTERNAL "")

  if(NOT FOREBAY_FUZZ)
    file(WRITE ${CMAKE_BINARY_DIR}/link/${NAME}.cpp "int main() { return 0; }\n")
    add_executable(${NAME}_link ${CMAKE_BINARY_DIR}/link/${NAME}.cpp)
    target_link_libraries(${NAME}_link $<LINK_LIBRARY:WHOLE_ARCHIVE,${NAME}>)
    set(threads ${tests})
    list(FILTER threads INCLUDE REGEX "_threads_test\\.cpp$")
    list(FILTER tests EXCLUDE REGEX "_threads_test\\.cpp$")
    if(tests)
      forebay_tests(${NAME}_test ${NAME} ${tests})
    endif()
    if(threads)
      forebay_tests(${NAME}_threads_test ${NAME} ${threads})
    endif()
  else()
    foreach(source ${fuzzers})
      get_filename_component(stem ${source} NAME_WE)
      add_executable(${NAME}_${stem} ${source})
      # A fuzzer of a whole door stands on the same worlds in memory as the tests.
      target_link_libraries(${NAME}_${stem} ${NAME}
                            $<TARGET_NAME_IF_EXISTS:testkit>)
      target_link_options(${NAME}_${stem} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()

# Called after the last room: the target that compiles every header alone.
function(forebay_finish)
  if(NOT FOREBAY_HEADER_CHECK)
    return()
  endif()
  foreach(room ${FOREBAY_ROOMS})
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${room}/*.h)
    set(units "")
    foreach(header ${headers})
      file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/src ${header})
      string(REPLACE "/" "_" flat ${path})
      set(unit ${CMAKE_BINARY_DIR}/headers/${flat}.cpp)
      file(WRITE ${unit}.new "#include \"${path}\"\n")
      file(COPY_FILE ${unit}.new ${unit} ONLY_IF_DIFFERENT)
      list(APPEND units ${unit})
    endforeach()
    if(units)
      add_library(${room}_headers OBJECT ${units})
      target_link_libraries(${room}_headers ${room})
    endif()
  endforeach()
endfunction()
