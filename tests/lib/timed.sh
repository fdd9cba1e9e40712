#!/usr/bin/env bash
# Cargo runs each test binary through this, as `timed.sh BINARY ARGUMENTS…`: the binary says how long each of its tests
# took. The flag for that is not yet stable; the variable lets a stable toolchain's test harness take it, and is set for
# the run alone, so that nothing is built otherwise.
echo "tests of ${CARGO_PKG_NAME:-$1}"
exec env RUSTC_BOOTSTRAP=1 "$@" -Z unstable-options --report-time
