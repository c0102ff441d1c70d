# What xgrad stands on. docs/dependencies.md gives the reason for each.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)

include(${CMAKE_CURRENT_LIST_DIR}/openblas.cmake)
if(NOT TARGET xgrad::openblas)
  message(FATAL_ERROR "xgrad: OpenBLAS with cblas.h not found (Debian: libopenblas-pthread-dev)")
endif()

# Debian's OpenBLAS brings LAPACK along; one built without it would fail only when somebody links a program.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES xgrad::openblas)
check_cxx_source_compiles("extern \"C\" void dgesdd_(); int main() { dgesdd_(); }" XGRAD_OPENBLAS_HAS_LAPACK)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT XGRAD_OPENBLAS_HAS_LAPACK)
  message(FATAL_ERROR "xgrad: this OpenBLAS has no LAPACK (Debian's libopenblas-pthread-dev has)")
endif()

# Header packages, seen by xgrad's own sources only.
add_library(xgrad_headers INTERFACE)
function(xgrad_header_package header package)
  string(MAKE_C_IDENTIFIER "XGRAD_INCLUDE_${package}" variable)
  find_path(${variable} ${header})
  mark_as_advanced(${variable})
  if(NOT ${variable})
    message(FATAL_ERROR "xgrad: <${header}> not found (Debian: ${package})")
  endif()
  target_include_directories(xgrad_headers SYSTEM INTERFACE ${${variable}})
endfunction()
xgrad_header_package(xsimd/xsimd.hpp libxsimd-dev)
xgrad_header_package(xtensor-blas/xblas_config.hpp libxtensor-blas-dev)
xgrad_header_package(nlohmann/json.hpp nlohmann-json3-dev)
