#!/usr/bin/env bash
# Cargo runs each test binary through this, as `timed.sh BINARY ARGUMENTS…`: the binary says how long each of its tests
# took. The flag for that is not yet stable; the variable lets a stable toolchain's test harness take it, and is set for
# the run alone, so that nothing is built otherwise.
echo "tests of ${CARGO_PKG_NAME:-$1}"
code=0
env RUSTC_BOOTSTRAP=1 "$@" -Z unstable-options --report-time || code=$?
# The databases that its tests leave behind, each as large as a network's first day.
if [[ -n ${SANBAO_TEST_POSTGRES_URL:-} && -n ${PG_BIN:-} ]]; then
  databases="select format('drop database if exists %I with (force)', datname) from pg_database where datname ~ '^t[0-9]+_'"
  "$PG_BIN/psql" -qAt "$SANBAO_TEST_POSTGRES_URL" >/dev/null 2>&1 <<<"$databases \\gexec" || true
fi
exit "$code"
