# The folders of the library, in their one-way order.
#
# Each folder becomes an object library xgrad_<folder> and all of them together the library xgrad. In a build with
# tests each folder is also linked by itself against those it may use, with undefined symbols forbidden.

# <build>/include/xgrad: links to the folders, so that <xgrad/graph/tensor.hpp> means the same as after installing.
set(xgrad_include ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${xgrad_include}/xgrad)
foreach(header IN ITEMS xgrad.hpp xtensor.hpp)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${header} ${xgrad_include}/xgrad/${header} SYMBOLIC)
endforeach()

# Warnings and sanitizers of this build, for xgrad's own targets alone.
function(xgrad_options target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(XGRAD_STRICT)
    # GCC 12 sees overlapping copies inside std::string's operator+ where there are none.
    target_compile_options(${target} PRIVATE -Wall -Wextra -Werror $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  endif()
  if(XGRAD_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${XGRAD_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${XGRAD_SANITIZE})
    if(XGRAD_SANITIZE STREQUAL "undefined")
      target_compile_options(${target} PRIVATE -fno-sanitize-recover=all)
    endif()
  endif()
endfunction()

# xgrad_layer(<folder> USES <folders below>...): the folder's sources, which may use the folders named.
function(xgrad_layer name)
  cmake_parse_arguments(layer "" "" "USES" ${ARGN})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${name} ${xgrad_include}/xgrad/${name} SYMBOLIC)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()

  set(target xgrad_${name})
  add_library(${target} OBJECT ${sources})
  xgrad_options(${target})
  target_include_directories(${target} PRIVATE ${xgrad_include})
  target_link_libraries(${target} PRIVATE Threads::Threads xgrad_headers)
  # Same bits everywhere: no compiler may turn a product and a sum into one rounding, whatever -march is asked for.
  # Position-independent code may otherwise not inline one function into another: recording is a sixth slower.
  target_compile_options(${target} PRIVATE -ffp-contract=off -fno-semantic-interposition)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(name STREQUAL "kernels")
    xgrad_kernel_options(${target} ${sources})
  endif()
  if(name STREQUAL "data")
    target_link_libraries(${target} PRIVATE ZLIB::ZLIB)
  elseif(name STREQUAL "io")
    target_link_libraries(${target} PRIVATE PNG::PNG)
  endif()
  set_property(GLOBAL APPEND PROPERTY xgrad_layers ${name})

  if(XGRAD_BUILD_TESTS AND NOT XGRAD_SANITIZE)
    add_library(${target}_linked SHARED $<TARGET_OBJECTS:${target}>)
    set_target_properties(${target}_linked PROPERTIES
      LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/layers)
    target_link_options(${target}_linked PRIVATE -Wl,-z,defs)
    target_link_libraries(${target}_linked PRIVATE Threads::Threads)
    if(name STREQUAL "kernels")
      target_link_libraries(${target}_linked PRIVATE xgrad::openblas)
    elseif(name STREQUAL "data")
      target_link_libraries(${target}_linked PRIVATE ZLIB::ZLIB)
    elseif(name STREQUAL "io")
      target_link_libraries(${target}_linked PRIVATE PNG::PNG)
    endif()
    foreach(below IN LISTS layer_USES)
      if(TARGET xgrad_${below}_linked)
        target_link_libraries(${target}_linked PRIVATE xgrad_${below}_linked)
      endif()
    endforeach()
  endif()
endfunction()

# Kernels are optimised whatever the build type is. A source named ..._avx2.cpp or ..._avx512.cpp is compiled for those
# instructions; each such object has its own copy of xsimd under its own name, so that the linker cannot mix them.
function(xgrad_kernel_options target)
  set(level -O3)
  if(XGRAD_SANITIZE)
    set(level -O1)
  endif()
  target_compile_options(${target} PRIVATE ${level} -fno-math-errno -fno-trapping-math)
  target_link_libraries(${target} PRIVATE xgrad::openblas)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    return()
  endif()
  set(flags_baseline "")
  set(flags_avx2 -mavx2 -mfma)
  set(flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma)
  foreach(source IN LISTS ARGN)
    if(source MATCHES "_(baseline|avx2|avx512)\\.cpp$")
      set(arch ${CMAKE_MATCH_1})
      # GCC 12 calls its own AVX-512 intrinsics uninitialised.
      set_source_files_properties(${source} PROPERTIES
        COMPILE_OPTIONS "${flags_${arch}};-Wno-uninitialized;-Wno-maybe-uninitialized"
        COMPILE_DEFINITIONS "xsimd=xsimd_${arch}")
    endif()
  endforeach()
endfunction()

# The library users link: xgrad::xgrad, static unless BUILD_SHARED_LIBS is on.
function(xgrad_library)
  get_property(layers GLOBAL PROPERTY xgrad_layers)
  set(objects "")
  foreach(layer IN LISTS layers)
    list(APPEND objects $<TARGET_OBJECTS:xgrad_${layer}>)
  endforeach()
  add_library(xgrad ${objects})
  add_library(xgrad::xgrad ALIAS xgrad)
  set_target_properties(xgrad PROPERTIES
    LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(xgrad PUBLIC cxx_std_20)
  target_include_directories(xgrad INTERFACE
    $<BUILD_INTERFACE:${xgrad_include}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(xgrad PRIVATE Threads::Threads xgrad::openblas ZLIB::ZLIB PNG::PNG)
  if(XGRAD_SANITIZE)
    target_link_options(xgrad PRIVATE -fsanitize=${XGRAD_SANITIZE})
  endif()
endfunction()
