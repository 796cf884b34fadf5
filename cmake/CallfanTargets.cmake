# The kinds of target of this project.
#
#   cf_library(NAME SOURCES ... LINK ...)   a folder's static library; NAME_objects are its objects. Without sources an
#                                           empty interface library, so that a folder may still be empty
#   cf_program(NAME SOURCES ... LINK ...)   a program in bin/, installed; nothing without sources
#   cf_folder_sources(RET [EXCLUDE REGEX])  the *.c files of the current folder

function(cf_compile target)
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include ${CK_INCLUDE_DIR})
    target_compile_definitions(${target} PRIVATE CF_VERSION="${PROJECT_VERSION}")
endfunction()

function(cf_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    if(NOT arg_SOURCES)
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${arg_LINK})
        return()
    endif()
    add_library(${name}_objects OBJECT ${arg_SOURCES})
    cf_compile(${name}_objects)
    target_link_libraries(${name}_objects PRIVATE ${arg_LINK})
    add_library(${name} STATIC $<TARGET_OBJECTS:${name}_objects>)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
    target_link_libraries(${name} PUBLIC ${arg_LINK})
endfunction()

function(cf_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    if(NOT arg_SOURCES)
        return()
    endif()
    add_executable(${name} ${arg_SOURCES})
    cf_compile(${name})
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    set_property(GLOBAL APPEND PROPERTY CF_PROGRAMS ${name})
endfunction()

function(cf_folder_sources ret)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXCLUDE" "")
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    if(arg_EXCLUDE)
        list(FILTER found EXCLUDE REGEX "${arg_EXCLUDE}")
    endif()
    set(${ret} ${found} PARENT_SCOPE)
endfunction()

# A folder of a program: main.c is the program, the other files are a library of their own (LIBRARY), so that tests can
# link the parts. COMMON is linked to both, PROGRAM_ONLY to the program.
function(cf_program_folder program library)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "COMMON;PROGRAM_ONLY")
    cf_folder_sources(parts EXCLUDE "/main\\.c$")
    cf_library(${library} SOURCES ${parts} LINK ${arg_COMMON})
    file(GLOB main CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/main.c)
    cf_program(${program} SOURCES ${main} LINK ${library} ${arg_COMMON} ${arg_PROGRAM_ONLY})
    set_property(GLOBAL APPEND PROPERTY CF_PART_LIBRARIES ${library})
endfunction()

# adapters/<name>/: the program callfan-<name>. jemalloc stands under the programs only: not under the parts that tests
# link, and not under a sanitizer, which brings its own allocator. Code that reads jemalloc's counters declares
# mallctl() weak and tests it for NULL; a program need not call it to be served by it, hence --no-as-needed.
function(cf_adapter name)
    set(allocator "-Wl,--push-state,--no-as-needed" ${JEMALLOC_LINK_LIBRARIES} "-Wl,--pop-state")
    if(CALLFAN_SANITIZE OR CALLFAN_FUZZ)
        set(allocator)
    endif()
    cf_program_folder(callfan-${name} callfan_adapter_${name}
        COMMON callfan_provider PkgConfig::LIBCONFUSE Threads::Threads m
        PROGRAM_ONLY ${allocator})
endfunction()
