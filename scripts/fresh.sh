#!/usr/bin/env bash
# scripts/fresh.sh [--test]: proves the two commands on a machine that has nothing.
# Makes a bare bookworm in a folder (mmdebstrap, as root), clones HEAD into it, runs ./run to its
# ready line and one object through it; with --test also ./test. Wall times are printed.
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
git clone --quiet --no-hardlinks . "$root/forebay"

step "./run --build-only" chroot "$root" /forebay/run --build-only
chroot "$root" env FOREBAY_ROOT_ACCESS_KEY=freshrootkey FOREBAY_ROOT_SECRET_KEY=freshsecret \
  /forebay/run --data /data --s3 127.0.0.1:0 --admin 127.0.0.1:0 >"$root/run.log" 2>&1 &
daemon=$!
for _ in $(seq 100); do
  grep -q '^ready ' "$root/run.log" && break
  sleep 0.2
done
grep '^ready ' "$root/run.log"
s3=$(sed -n 's/^ready s3=\([^ ]*\) .*/\1/p' "$root/run.log")
sign=(--fail --silent --show-error --aws-sigv4 aws:amz:us-east-1:s3 --user freshrootkey:freshsecret)
curl "${sign[@]}" -X PUT "http://$s3/fresh"
curl "${sign[@]}" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -T README.md "http://$s3/fresh/README.md"
curl "${sign[@]}" "http://$s3/fresh/README.md" | cmp - README.md
echo "one object through it: identical"
kill "$daemon"
wait "$daemon" || true
daemon=
if [ "${1:-}" = --test ]; then
  step "./test" chroot "$root" /forebay/test
fi
