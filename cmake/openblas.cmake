# OpenBLAS as the imported target xgrad::openblas. Its pthread build comes first: one built with OpenMP stalls for
# milliseconds when another process has one of its cores. Used by the build and by the installed package alike.
if(NOT TARGET xgrad::openblas)
  find_library(XGRAD_OPENBLAS_LIBRARY NAMES openblas PATH_SUFFIXES openblas-pthread)
  find_path(XGRAD_OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES openblas-pthread openblas)
  mark_as_advanced(XGRAD_OPENBLAS_LIBRARY XGRAD_OPENBLAS_INCLUDE)
  if(XGRAD_OPENBLAS_LIBRARY AND XGRAD_OPENBLAS_INCLUDE)
    add_library(xgrad::openblas UNKNOWN IMPORTED)
    set_target_properties(xgrad::openblas PROPERTIES
      IMPORTED_LOCATION "${XGRAD_OPENBLAS_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${XGRAD_OPENBLAS_INCLUDE}")
  endif()
endif()
