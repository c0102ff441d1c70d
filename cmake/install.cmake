# What `cmake --install` puts down: headers, library, CMake package, pkg-config file.
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY xgrad_layers)
foreach(layer IN LISTS layers)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${layer}/*.hpp)
  foreach(header IN LISTS headers)
    # What a folder's own sources share says so in its first lines, and stays here.
    file(READ ${header} head LIMIT 400)
    if(NOT head MATCHES "Internal to ")
      install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xgrad/${layer})
    endif()
  endforeach()
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/xgrad.hpp ${PROJECT_SOURCE_DIR}/xtensor.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xgrad)
install(TARGETS xgrad EXPORT xgrad_targets)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/xgrad)
install(EXPORT xgrad_targets NAMESPACE xgrad:: FILE xgrad_targets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/xgrad-config.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/xgrad-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/xgrad-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/xgrad-config.cmake
  ${PROJECT_BINARY_DIR}/cmake/xgrad-config-version.cmake
  ${CMAKE_CURRENT_LIST_DIR}/openblas.cmake
  DESTINATION ${package_dir})

# A static library needs what it stands on named at every link; a shared one carries it.
if(BUILD_SHARED_LIBS)
  set(pc_requires "Requires.private")
  set(pc_threads "")
else()
  set(pc_requires "Requires")
  set(pc_threads " -pthread")
endif()
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix /${pc_dir} /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/xgrad.pc.in ${PROJECT_BINARY_DIR}/cmake/xgrad.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/xgrad.pc DESTINATION ${pc_dir})
