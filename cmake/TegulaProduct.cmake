# The shared library made of all layers, and what `cmake --install` puts where.
#
# It takes the objects of the layers, not their archives: --exclude-libs hides every symbol that comes from
# an archive (LLVM's), so the API must not. What is exported is TG_API; everything else is hidden.

get_property(layers GLOBAL PROPERTY TG_LAYERS)
if(NOT layers)
    return()
endif()
set(objects "")
foreach(layer IN LISTS layers)
    list(APPEND objects $<TARGET_OBJECTS:${layer}>)
endforeach()

add_library(tegula_shared SHARED ${objects})
set_target_properties(tegula_shared PROPERTIES OUTPUT_NAME tegula EXPORT_NAME tegula LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/tegula.map)
target_link_options(tegula_shared PRIVATE ${TG_LINK_FLAGS} ${TG_GC_FLAGS}
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/tegula.map
    -Wl,-z,nodelete) # its threads and the handlers it has registered outlive a dlclose
if(NOT TG_SANITIZE)
    target_link_options(tegula_shared PRIVATE -Wl,-z,defs)
endif()
target_link_libraries(tegula_shared PRIVATE tg_llvm tg_sqlite m dl pthread)
target_include_directories(tegula_shared INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(Tegula::tegula ALIAS tegula_shared)

include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Tegula)
file(RELATIVE_PATH TG_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /) # the installed tree may be moved
configure_file(${PROJECT_SOURCE_DIR}/cmake/tegula.pc.in ${PROJECT_BINARY_DIR}/tegula.pc @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/tegula_rt.pc.in ${PROJECT_BINARY_DIR}/tegula_rt.pc @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/TegulaConfig.cmake.in ${PROJECT_BINARY_DIR}/TegulaConfig.cmake
    @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/TegulaConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(TARGETS tegula_shared EXPORT TegulaTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT TegulaTargets NAMESPACE Tegula:: DESTINATION ${config_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tegula DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_BINARY_DIR}/TegulaConfig.cmake ${PROJECT_BINARY_DIR}/TegulaConfigVersion.cmake
    DESTINATION ${config_dir})
install(FILES ${PROJECT_BINARY_DIR}/tegula.pc ${PROJECT_BINARY_DIR}/tegula_rt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
