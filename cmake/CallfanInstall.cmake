# cmake --install: programs (installed where they are made), libcallfan, headers, manual pages, configuration, and the
# pkg-config file and CMake package by which others find libcallfan.
include(CMakePackageConfigHelpers)

file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/callfan/*.h)
if(headers)
    install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/callfan)
endif()

foreach(section RANGE 1 8)
    file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.${section})
    if(pages)
        install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT man)
    endif()
endforeach()

# One page for each function of callfan/tapi.h, made of the header's comments.
file(GLOB makers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/scripts/make-man.sh ${CMAKE_SOURCE_DIR}/scripts/*.awk)
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man3/faults
    COMMAND bash ${CMAKE_SOURCE_DIR}/scripts/make-man.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/man3 ${PROJECT_VERSION}
    DEPENDS ${makers} ${CMAKE_SOURCE_DIR}/include/callfan/tapi.h ${CMAKE_SOURCE_DIR}/include/callfan/tapi_const.h
        ${CMAKE_SOURCE_DIR}/include/callfan/tapi_services.h ${CMAKE_SOURCE_DIR}/include/callfan/tapi_callfan.h
        ${CMAKE_SOURCE_DIR}/client/errors.c ${CMAKE_SOURCE_DIR}/docs/man/parameters ${CMAKE_SOURCE_DIR}/docs/man/callfand.8
    COMMENT "Manual pages of the functions" VERBATIM)
add_custom_target(man ALL DEPENDS ${CMAKE_BINARY_DIR}/man3/faults)
install(DIRECTORY ${CMAKE_BINARY_DIR}/man3/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT man FILES_MATCHING PATTERN "*.3")

file(GLOB configuration CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/etc/callfan.conf)
if(configuration)
    install(FILES ${configuration} DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/callfan)
endif()

# Where systemd looks for what came with software: /usr/lib for packages, /usr/local/lib for a build of one's own.
set(BINDIR ${CMAKE_INSTALL_FULL_BINDIR})
configure_file(etc/systemd/callfand.service ${CMAKE_BINARY_DIR}/callfand.service @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/callfand.service DESTINATION lib/systemd/system)
install(FILES etc/systemd/callfan.sysusers DESTINATION lib/sysusers.d RENAME callfan.conf)
install(FILES ${CMAKE_SOURCE_DIR}/docs/SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(TARGET callfan_shared)
    set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/callfan)
    install(TARGETS callfan_static callfan_shared EXPORT callfanTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT callfanTargets NAMESPACE callfan:: DESTINATION ${package_dir})
    configure_package_config_file(cmake/callfanConfig.cmake.in ${CMAKE_BINARY_DIR}/callfanConfig.cmake
        INSTALL_DESTINATION ${package_dir})
    write_basic_package_version_file(${CMAKE_BINARY_DIR}/callfanConfigVersion.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${CMAKE_BINARY_DIR}/callfanConfig.cmake ${CMAKE_BINARY_DIR}/callfanConfigVersion.cmake
        DESTINATION ${package_dir})
    if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
        set(pc_prefix ${CMAKE_INSTALL_PREFIX})
    else()
        # Found from where the file lies, so that the tree can be installed under another prefix or moved.
        file(RELATIVE_PATH up /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
        set(pc_prefix "\${pcfiledir}/${up}")
    endif()
    foreach(dir LIBDIR INCLUDEDIR)
        string(TOLOWER pc_${dir} var)
        if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
            set(${var} ${CMAKE_INSTALL_${dir}})
        else()
            set(${var} "\${prefix}/${CMAKE_INSTALL_${dir}}")
        endif()
    endforeach()
    configure_file(cmake/callfan.pc.in ${CMAKE_BINARY_DIR}/callfan.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/callfan.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
