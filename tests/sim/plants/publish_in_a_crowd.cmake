# A write publishes its head though other writes of the key overlapped it.
include(${CMAKE_CURRENT_LIST_DIR}/plant.cmake)
plant("!e.crowded && " "")
