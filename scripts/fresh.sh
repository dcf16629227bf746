#!/usr/bin/env bash
# scripts/fresh.sh [--test | --package]: proves the two commands on a machine that has nothing.
# Makes a bare bookworm in a folder (mmdebstrap, as root), clones HEAD into it, runs ./run to its
# ready line and one object through it; with --test also ./test. With --package it makes the Debian
# package here, installs that there instead, and removes it again. Wall times are printed.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "fresh.sh needs root, for chroot" >&2; exit 1; }
command -v mmdebstrap >/dev/null || scripts/install.sh scripts/packages-test.txt

root=$(mktemp -d -t forebay-fresh-XXXXXX)
daemon=
clean() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
  for mount in proc dev; do umount -l "$root/$mount" 2>/dev/null || true; done
  rm -rf --one-file-system "$root"
}
trap clean EXIT

step() { # what command…: runs it and prints how long it took
  local what=$1 started
  shift
  started=$(date +%s)
  "$@"
  echo "$what: $(($(date +%s) - started)) s"
}

step "bare bookworm" mmdebstrap --quiet --variant=minbase --include=ca-certificates,git,curl \
  bookworm "$root"
# The machine's own package sources, where it has others than the default.
cp /etc/apt/sources.list "$root/etc/apt/sources.list" 2>/dev/null || true
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/" 2>/dev/null || true
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
# What an installer would have set up: the machine's own name, and whom it trusts.
echo "127.0.0.1 localhost" >"$root/etc/hosts"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

one_object() { # one_object COMMAND…: starts a daemon there, and one object goes in and comes out
  chroot "$root" env FOREBAY_ROOT_ACCESS_KEY=freshrootkey FOREBAY_ROOT_SECRET_KEY=freshsecret \
    FOREBAY_S3=127.0.0.1:0 FOREBAY_ADMIN=127.0.0.1:0 "$@" >"$root/run.log" 2>&1 &
  daemon=$!
  for _ in $(seq 100); do
    grep -q '^ready ' "$root/run.log" && break
    sleep 0.2
  done
  grep '^ready ' "$root/run.log" || { cat "$root/run.log"; exit 1; }
  local s3 sign
  s3=$(sed -n 's/^ready s3=\([^ ]*\) .*/\1/p' "$root/run.log")
  sign=(--fail --silent --show-error --aws-sigv4 aws:amz:us-east-1:s3
    --user freshrootkey:freshsecret)
  curl "${sign[@]}" -X PUT "http://$s3/fresh"
  curl "${sign[@]}" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -T README.md \
    "http://$s3/fresh/README.md"
  curl "${sign[@]}" "http://$s3/fresh/README.md" | cmp - README.md
  echo "one object through it: identical"
  kill "$daemon"
  wait "$daemon" || true
  daemon=
}

if [ "${1:-}" = --package ]; then
  package=$(scripts/package.sh | tail -1)
  cp "$package" "$root/forebay.deb"
  there() { chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@" >>"$root/apt.log" 2>&1 ||
    { tail -20 "$root/apt.log"; exit 1; }; }
  there apt-get update
  step "apt install" there apt-get install -y -q --no-install-recommends systemd /forebay.deb
  install -d -m 700 -o "$(sed -n 's/^forebay:x:\([0-9]*\):.*/\1/p' "$root/etc/passwd")" \
    "$root/var/lib/forebay" # systemd's StateDirectory
  # As the unit does it, whose lines are checked by systemd itself.
  chroot "$root" systemd-analyze verify --man=no forebay.service
  one_object setpriv --reuid forebay --regid forebay --clear-groups \
    /usr/bin/forebay serve --config /etc/forebay/forebay.toml
  there apt-get purge -y -q forebay
  [ ! -e "$root/usr/bin/forebay" ] && [ ! -e "$root/etc/forebay/forebay.toml" ]
  [ -e "$root/var/lib/forebay/buckets/fresh/README.md" ]
  echo "removed again: the program gone, the objects kept"
  exit 0
fi

git clone --quiet --no-hardlinks . "$root/forebay"
step "./run --build-only" chroot "$root" /forebay/run --build-only
one_object /forebay/run --data /data
if [ "${1:-}" = --test ]; then
  step "./test" chroot "$root" /forebay/test
fi
