#!/usr/bin/env bash
# scripts/package.sh: makes build/forebay_VERSION_ARCHITECTURE.deb from this tree (the program, man
# pages, a systemd unit), installing first what that needs. Prints the package's path.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022 # folders in the package are anybody's to read

scripts/install.sh --no-start scripts/packages.txt scripts/packages-package.txt
scripts/build.sh release forebay

# The pages say what --help says. help2man asks a program by its name, so each page gets one.
program=$PWD/build/release/forebay
man=build/release/man
mkdir -p "$man"
page() { # page NAME SECTION "WHAT IT IS" [ARGUMENT…]
  local name=$1 section=$2 what=$3
  shift 3
  printf '#!/bin/sh\nexec "%s" %s --help\n' "$program" "$*" >"$man/$name"
  chmod 755 "$man/$name"
  LC_ALL=C.UTF-8 help2man --no-info --locale=C.UTF-8 --section="$section" --name="$what" \
    --version-string="$("$program" --version | cut -d' ' -f2)" "$man/$name" |
    gzip -9n >"$man/$name.$section.gz"
  rm "$man/$name"
}
page forebay 1 "an S3 endpoint with a cache on local disks: its command line client"
page forebay-serve 8 "the daemon of Forebay" serve
"$program" completion >"$man/forebay.bash"

mkdir -p build/logs
rm -f build/forebay_*.deb
cpack --config build/release/CPackConfig.cmake >build/logs/package.log 2>&1 || {
  tail -30 build/logs/package.log >&2
  exit 1
}
ls build/forebay_*.deb
