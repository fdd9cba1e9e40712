# A private PostgreSQL for one run of the tests. Sourced by tests/run; sets PG_URL, PG_PID.

start_postgres() {
  local try port user=postgres
  PG_DIR=$(pg_place)
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
  if [[ ${PG_FSYNC:-off} == off ]]; then
    # Hundreds of small databases that live for seconds: cleaning them in turns would take more than their tests do.
    printf '%s\n' 'autovacuum = off' 'full_page_writes = off' 'max_wal_size = 256MB' >>"$PG_DIR/data/postgresql.conf"
  fi
  for try in 1 2 3 4 5; do
    # Below the range from which the system takes ports for outgoing connections.
    port=$((20000 + RANDOM % 12000))
    if pg_answers "$port"; then continue; fi
    if run_postgres "$port"; then return 0; fi
  done
  tail -n 20 "$SCRATCH/postgres.log" >&2
  die "PostgreSQL did not start"
}

# Where the data lies: in memory where there is plenty of it, since each database of a test is six hundred files; on
# the disk where writes are measured.
pg_place() {
  local room free
  room=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
  free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null)
  if [[ ${PG_FSYNC:-off} == off && ${room:-0} -gt 6000000 && ${free:-0} -gt 10000000 ]]; then
    echo "/dev/shm/sanbao-tests.$$"
  else
    echo "$SCRATCH/postgres"
  fi
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
  end_postgres
  return 1
}

pg_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ends the server and takes its data away, with what runs that were killed left in memory.
stop_postgres() {
  local left
  end_postgres
  rm -rf "${PG_DIR:-}"
  for left in /dev/shm/sanbao-tests.*; do
    kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"
  done
}

end_postgres() {
  if [[ -z ${PG_PID:-} ]]; then return 0; fi
  kill -INT "$PG_PID" 2>/dev/null || true
  wait "$PG_PID" 2>/dev/null || true
  PG_PID=
}
