# The static library that a C++ host links, and its CMake package (usable installed or straight from the build tree).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

add_library(rebottle STATIC $<TARGET_OBJECTS:rebottle_objects>)
add_library(rebottle::rebottle ALIAS rebottle)
set_target_properties(rebottle PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(rebottle PUBLIC cxx_std_20)
target_include_directories(rebottle PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(rebottle PUBLIC Python::Python)
target_link_options(rebottle PUBLIC ${instrumentation})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rebottle)
install(TARGETS rebottle EXPORT rebottleTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/rebottle DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT rebottleTargets NAMESPACE rebottle:: DESTINATION ${package_dir})
export(EXPORT rebottleTargets NAMESPACE rebottle:: FILE ${PROJECT_BINARY_DIR}/rebottleTargets.cmake)

configure_package_config_file(cmake/rebottleConfig.cmake.in rebottleConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(rebottleConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/rebottleConfig.cmake ${PROJECT_BINARY_DIR}/rebottleConfigVersion.cmake
        DESTINATION ${package_dir})
