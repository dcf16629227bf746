#!/bin/sh
# Makes .venv in the repository's root from tests/requirements.txt, or leaves it alone when it is up to date.
# Uses Debian's own python3, so that a different interpreter earlier on PATH does not decide the result.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/.venv
want=$root/tests/requirements.txt
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if [ -x "$venv/bin/python" ] && cmp -s "$want" "$venv/requirements.installed"; then
    exit 0
fi
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$want"
cp "$want" "$venv/requirements.installed"
