#!/bin/sh
# scripts/venv.sh [--all]: makes .venv in the repository's root from tests/requirements.txt, or leaves it alone when it
# is up to date. With --all .venv-all from tests/requirements-all.txt, and build/sdk-js from tests/ecosystem/sdk-js.
# Uses Debian's own python3, so that a different interpreter earlier on PATH does not decide the result.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/.venv
want=$root/tests/requirements.txt
deps=
if [ "${1:-}" = --all ]; then
    venv=$root/.venv-all
    want=$root/tests/requirements-all.txt
    deps=--no-deps # the file names all of them, but what only a GPU needs
    node=$root/tests/ecosystem/sdk-js
    modules=$root/build/sdk-js
    if ! cmp -s "$node/package-lock.json" "$modules/package-lock.installed"; then
        command -v npm >/dev/null || { echo "npm is missing (Node.js 20 or later)" >&2; exit 1; }
        rm -rf "$modules"
        mkdir -p "$modules"
        cp "$node/package.json" "$node/package-lock.json" "$modules"
        (cd "$modules" && npm ci --silent --ignore-scripts)
        cp "$node/package-lock.json" "$modules/package-lock.installed"
    fi
fi
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if [ -x "$venv/bin/python" ] && cmp -s "$want" "$venv/requirements.installed"; then
    exit 0
fi
rm -rf "$venv"
"$python" -m venv "$venv"
# shellcheck disable=SC2086  # nothing or one word
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check $deps -r "$want"
cp "$want" "$venv/requirements.installed"
