# A private PostgreSQL for one run of the tests. Sourced by tests/run; sets PG_URL, PG_PID.

start_postgres() {
  local try port user=postgres
  PG_DIR=$SCRATCH/postgres
  mkdir -p "$PG_DIR"
  # The kernel ends the server when this shell dies without a word (SIGINT is its fast shutdown).
  PG_AS=(setpriv --pdeathsig INT)
  if ((EUID == 0)); then
    # PostgreSQL refuses to run as root, so root lends it an unprivileged user.
    id "$user" >/dev/null 2>&1 || user=nobody
    PG_AS+=(--reuid "$user" --regid "$(id -g "$user")" --init-groups)
    chown "$user" "$PG_DIR"
    chmod 711 "$SCRATCH"
  fi
  PG_AS+=(env -i PATH="$PATH" LC_ALL=C TZ=UTC HOME="$PG_DIR")
  if ! "${PG_AS[@]}" "$PG_BIN/initdb" -D "$PG_DIR/data" -U postgres -A trust -E UTF8 --no-locale >"$SCRATCH/initdb.log" 2>&1; then
    cat "$SCRATCH/initdb.log" >&2
    die "PostgreSQL's initdb failed"
  fi
  # Each test opens its own databases with their pools. No test cuts the power, which is all that fsync is for: the
  # writes of a killed process are there without it. Measurements set PG_FSYNC=on.
  cat >>"$PG_DIR/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = ${PG_FSYNC:-off}
log_min_messages = warning
CONF
  for try in 1 2 3 4 5; do
    # Below the range from which the system takes ports for outgoing connections.
    port=$((20000 + RANDOM % 12000))
    if pg_answers "$port"; then continue; fi
    if run_postgres "$port"; then return 0; fi
  done
  tail -n 20 "$SCRATCH/postgres.log" >&2
  die "PostgreSQL did not start"
}

run_postgres() {
  local port=$1 wait
  set -m
  "${PG_AS[@]}" "$PG_BIN/postgres" -D "$PG_DIR/data" -p "$port" >>"$SCRATCH/postgres.log" 2>&1 </dev/null &
  PG_PID=$!
  set +m
  for ((wait = 0; wait < 300; wait++)); do
    # The eighth line of the lock file says "ready" once connections are taken.
    if [[ $(sed -n '1p;8p' "$PG_DIR/data/postmaster.pid" 2>/dev/null | tr -d ' ' | tr '\n' ' ') == "$PG_PID ready " ]]; then
      PG_URL=postgres://postgres@127.0.0.1:$port/postgres
      return 0
    fi
    kill -0 "$PG_PID" 2>/dev/null || break
    sleep 0.1
  done
  stop_postgres
  return 1
}

pg_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

stop_postgres() {
  if [[ -z ${PG_PID:-} ]]; then return 0; fi
  kill -INT "$PG_PID" 2>/dev/null || true
  wait "$PG_PID" 2>/dev/null || true
  PG_PID=
}
