# Target tg_llvm: headers and library of LLVM 22, by llvm-config (its CMake package looks for z3, libxml2
# and curl, none of which Tegula needs).
#
# TG_LLVM_STATIC=OFF: libLLVM-22.so, fast to link.  ON: the components below as archives; the result needs
# only libc, libm, libz and libzstd, and starts in half the time. libstdc++ is linked in as well.

set(TG_LLVM_COMPONENTS x86codegen x86asmparser x86desc x86info orcjit passes irreader bitreader bitwriter
    linker analysis executionengine native
    CACHE STRING "LLVM components of a static link")
find_program(TG_LLVM_CONFIG NAMES llvm-config-22 PATHS /usr/lib/llvm-22/bin)

function(tg_llvm_query out)
    execute_process(COMMAND ${TG_LLVM_CONFIG} ${ARGN} OUTPUT_VARIABLE text
        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

add_library(tg_llvm INTERFACE)
if(NOT TG_LLVM_CONFIG)
    message(FATAL_ERROR "llvm-config-22 not found: ./scripts/setup installs LLVM 22")
endif()
tg_llvm_query(TG_LLVM_INCLUDE --includedir)
tg_llvm_query(TG_LLVM_LIBDIR --libdir)
tg_llvm_query(TG_LLVM_VERSION --version)
target_include_directories(tg_llvm SYSTEM INTERFACE ${TG_LLVM_INCLUDE})

if(TG_LLVM_STATIC)
    tg_llvm_query(llvm_archives --link-static --libfiles ${TG_LLVM_COMPONENTS})
    separate_arguments(llvm_archives)
    # libstdc++ comes as an archive too: the product must load on machines with an older one.
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libstdc++.a
        OUTPUT_VARIABLE libstdcxx OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT EXISTS "${libstdcxx}")
        set(libstdcxx stdc++)
    endif()
    target_link_libraries(tg_llvm INTERFACE ${llvm_archives} ${libstdcxx} zstd z m dl pthread)
    target_link_options(tg_llvm INTERFACE -Wl,--exclude-libs,ALL -static-libgcc)
else()
    target_link_libraries(tg_llvm INTERFACE ${TG_LLVM_LIBDIR}/libLLVM-22.so)
endif()
message(STATUS "LLVM ${TG_LLVM_VERSION}, static: ${TG_LLVM_STATIC}")
