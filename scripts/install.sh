#!/bin/sh
# scripts/install.sh [--no-start] FILE...: installs the Debian packages listed in the files (one a
# line, # begins a comment) that are missing. Does nothing, fast, when all are there. Fetches the
# package lists only when it must. --no-start keeps the services of new packages from starting.
set -eu

no_start=
if [ "${1:-}" = --no-start ]; then
    no_start=1
    shift
fi
[ $# -gt 0 ] || { echo "usage: scripts/install.sh [--no-start] FILE..." >&2; exit 2; }

missing=
count=0
# shellcheck disable=SC2013  # words are wanted
for package in $(sed 's/#.*//' "$@"); do
    case $(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null || true) in
        installed*) ;;
        *) missing="$missing $package"; count=$((count + 1)) ;;
    esac
done
[ "$count" -gt 0 ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "missing packages, and neither root nor sudo to install them:$missing" >&2
        exit 1
    }
    as_root=sudo
fi

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
cleanup() {
    rm -f "$log"
    [ -z "$made_policy" ] || $as_root rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if [ -n "$no_start" ] && [ ! -e "$policy" ]; then
    made_policy=1
    printf '#!/bin/sh\nexit 101\n' | $as_root sh -c "cat > $policy && chmod 755 $policy"
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
        -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1
}
update() {
    echo "fetching package lists"
    apt update || { cat "$log" >&2; echo "apt-get update failed" >&2; exit 1; }
}
# Lists are stale when they do not know a package, or name a version that is gone.
known() {
    for package in $missing; do
        apt-cache show "$package" >/dev/null 2>&1 || return 1
    done
}

started=$(date +%s)
fresh=
known || { update; fresh=1; }
echo "installing $count packages:$missing"
# shellcheck disable=SC2086  # one word a package
if ! apt install --no-install-recommends $missing; then
    [ -n "$fresh" ] || update
    # shellcheck disable=SC2086
    apt install --no-install-recommends $missing || {
        cat "$log" >&2
        echo "installing failed:$missing" >&2
        exit 1
    }
fi
echo "installed $count packages in $(($(date +%s) - started)) s"
