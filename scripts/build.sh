#!/usr/bin/env bash
# scripts/build.sh PRESET [TARGET]... : configures PRESET if needed and builds.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
echo "building $preset ${*:-all}"
# ninja shows its progress on one line of a terminal; elsewhere only what went wrong matters.
if [ -t 1 ]; then
  ninja -C "build/$preset" "$@"
else
  mkdir -p build/logs
  ninja -C "build/$preset" "$@" >"build/logs/build-$preset.log" 2>&1 || {
    tail -60 "build/logs/build-$preset.log"
    exit 1
  }
fi
