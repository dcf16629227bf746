# plant(OLD NEW): replaces OLD, which must be there, in the copy of ORIGINAL.
file(READ ${ORIGINAL} text)

macro(plant OLD NEW)
  string(FIND "${text}" "${OLD}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "${ORIGINAL} has changed; plant the bug anew: ${OLD}")
  endif()
  string(REPLACE "${OLD}" "${NEW}" text "${text}")
  file(WRITE ${COPY} "${text}")
endmacro()
