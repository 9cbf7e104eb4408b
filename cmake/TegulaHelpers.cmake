# Helpers for the CMakeLists.txt of each folder.
#
#   tg_add_library(tg_dsl_ir SOURCES type.c op.c DEPS tg_base tg_dsl_layout [LLVM])
#       A static layer, position independent, warnings are errors, include paths: root and include/.
#       LLVM adds the LLVM headers and library. All layers together become libtegula.
#   tg_add_command(tegula SOURCES main.c DEPS tg_compiler …)
#       An executable in the root of the build folder.
#   tg_add_test(unit_base SOURCES test_map.c … DEPS tg_base [LABELS unit] [ARGS …] [PLAIN] [LLVM])
#       A Criterion program registered with ctest. PLAIN: an ordinary main() instead of Criterion, exit
#       code 77 means skipped; only these are built for ThreadSanitizer.
#
# Order matters only in that DEPS come first; TG_FOLDERS in the root keeps it.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(TG_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wundef -Wcast-qual -Wvla -Wformat=2 -Wswitch-enum)
# Criterion's macros expand to code that the full set rejects.
set(TG_TEST_WARNINGS -Wall -Wextra -Wshadow -Wvla -Wformat=2)
if(TG_WERROR)
    list(APPEND TG_WARNINGS -Werror)
    list(APPEND TG_TEST_WARNINGS -Werror)
endif()

# Flags of every translation unit. Contraction is off because the language defines where products fuse;
# reference code in C must not fuse elsewhere. No -fwrapv: overflow is written with unsigned types.
set(TG_COMMON_FLAGS -ffp-contract=off -fno-math-errno -ffunction-sections -fdata-sections)
# GCC 12 takes stores to a structure for dead that a callee returns through its caller's slot: at -O3 loads of complex numbers
# (targets/x86/memory/access.c, load_at) lost their imaginary parts. tests/cli/test_release.sh shows it.
if(CMAKE_C_COMPILER_ID STREQUAL GNU AND CMAKE_C_COMPILER_VERSION VERSION_LESS 13)
    list(APPEND TG_COMMON_FLAGS -fno-ipa-modref)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    list(APPEND TG_COMMON_FLAGS -Og)
endif()
set(TG_LINK_FLAGS "")
# Not for tests: Criterion finds its tests in a section that nothing refers to.
set(TG_GC_FLAGS -Wl,--gc-sections)

if(TG_SANITIZE STREQUAL "address")
    # Not function: it reads in front of a function, and generated code may start a mapping.
    set(TG_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize=function -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(TG_SANITIZE STREQUAL "thread")
    set(TG_SANITIZE_FLAGS -fsanitize=thread -fno-omit-frame-pointer)
elseif(NOT TG_SANITIZE STREQUAL "")
    message(FATAL_ERROR "TG_SANITIZE is address, thread or empty, not '${TG_SANITIZE}'")
endif()
list(APPEND TG_COMMON_FLAGS ${TG_SANITIZE_FLAGS})
list(APPEND TG_LINK_FLAGS ${TG_SANITIZE_FLAGS})

# lld links the static LLVM in seconds where ld.bfd takes most of a minute.
find_program(TG_LLD NAMES ld.lld PATHS /usr/lib/llvm-22/bin NO_DEFAULT_PATH)
if(TG_LLD)
    get_filename_component(lld_dir ${TG_LLD} DIRECTORY)
    list(APPEND TG_LINK_FLAGS -B${lld_dir} -fuse-ld=lld)
endif()

# Settings that layers, commands and tests share.
function(tg_configure_target name)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
    target_compile_definitions(${name} PRIVATE _POSIX_C_SOURCE=200809L)
    target_compile_options(${name} PRIVATE ${TG_COMMON_FLAGS})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
endfunction()

# Links the named layers; one that is not in the tree is reported and left out.
function(tg_link_deps name scope)
    foreach(dep IN LISTS ARGN)
        if(dep MATCHES "^tg_" AND NOT TARGET ${dep})
            message(STATUS "${name}: ${dep} is not defined, left out")
        else()
            target_link_libraries(${name} ${scope} ${dep})
        endif()
    endforeach()
endfunction()

function(tg_add_library name)
    cmake_parse_arguments(arg "LLVM" "" "SOURCES;DEPS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    tg_configure_target(${name})
    target_compile_options(${name} PRIVATE ${TG_WARNINGS})
    tg_link_deps(${name} PUBLIC ${arg_DEPS})
    if(arg_LLVM)
        target_link_libraries(${name} PUBLIC tg_llvm)
    endif()
    set_property(GLOBAL APPEND PROPERTY TG_LAYERS ${name})
endfunction()

function(tg_add_command name)
    cmake_parse_arguments(arg "LLVM" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    tg_configure_target(${name})
    target_compile_options(${name} PRIVATE ${TG_WARNINGS})
    target_link_options(${name} PRIVATE ${TG_LINK_FLAGS} ${TG_GC_FLAGS})
    tg_link_deps(${name} PRIVATE ${arg_DEPS})
    if(arg_LLVM)
        target_link_libraries(${name} PRIVATE tg_llvm)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

if(TG_TESTS)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(CRITERION REQUIRED IMPORTED_TARGET criterion)
endif()

function(tg_add_test name)
    if(NOT TG_TESTS)
        return()
    endif()
    cmake_parse_arguments(arg "PLAIN;LLVM" "TIMEOUT" "SOURCES;DEPS;LABELS;ARGS" ${ARGN})
    if(TG_SANITIZE STREQUAL "thread" AND NOT arg_PLAIN)
        return() # Criterion itself does not run under ThreadSanitizer
    endif()
    add_executable(${name} ${arg_SOURCES})
    tg_configure_target(${name})
    target_compile_options(${name} PRIVATE ${TG_TEST_WARNINGS})
    target_compile_definitions(${name} PRIVATE TG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    target_link_options(${name} PRIVATE ${TG_LINK_FLAGS})
    tg_link_deps(${name} PRIVATE ${arg_DEPS})
    if(arg_LLVM)
        target_link_libraries(${name} PRIVATE tg_llvm)
    endif()
    if(NOT arg_PLAIN)
        target_link_libraries(${name} PRIVATE PkgConfig::CRITERION)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    add_test(NAME ${name} COMMAND ${name} ${arg_ARGS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    if(NOT arg_LABELS)
        set(arg_LABELS unit)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
        SKIP_RETURN_CODE 77 ENVIRONMENT "ASAN_OPTIONS=allocator_may_return_null=1")
endfunction()
