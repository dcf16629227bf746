# What `scripts/package.sh` packs, and where it goes. The man pages are made by the script, which
# names their folder in FOREBAY_MAN.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
install(TARGETS forebay RUNTIME DESTINATION /usr/bin)
install(FILES deploy/systemd/forebay.service DESTINATION /lib/systemd/system)
install(FILES deploy/debian/forebay.toml DESTINATION /etc/forebay)
install(FILES LICENSE DESTINATION /usr/share/doc/forebay RENAME copyright)
set(FOREBAY_MAN ${CMAKE_BINARY_DIR}/man)
install(FILES ${FOREBAY_MAN}/forebay.1.gz DESTINATION /usr/share/man/man1)
install(FILES ${FOREBAY_MAN}/forebay-serve.8.gz DESTINATION /usr/share/man/man8)
install(FILES ${FOREBAY_MAN}/forebay.bash DESTINATION /usr/share/bash-completion/completions
        RENAME forebay)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME forebay)
set(CPACK_PACKAGE_CONTACT "The Forebay developers <forebay@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Fast tier of local disks in front of an object store")
set(CPACK_PACKAGE_DESCRIPTION "An S3 endpoint with a cache on this machine's disks, in
front of the object store that holds the truth: the daemon, its command line
client and a systemd unit.")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_SOURCE_DIR}/build)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(debian ${CMAKE_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm
    ${debian}/postrm)
include(CPack)
