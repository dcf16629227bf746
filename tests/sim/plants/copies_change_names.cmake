# The units of a written body get each other's names.
include(${CMAKE_CURRENT_LIST_DIR}/plant.cmake)
plant("writers[i]->commit_as(units[i], ctx)" "writers[i]->commit_as(units[units.size() - 1 - i], ctx)")
