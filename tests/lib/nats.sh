# A private nats-server with JetStream for one run of the tests. Sourced by tests/run; sets NATS_URL, NATS_PID.

start_nats() {
  local try port
  NATS_DIR=$SCRATCH/nats
  mkdir -p "$NATS_DIR"
  for try in 1 2 3 4 5; do
    # Below the range from which the system takes ports for outgoing connections.
    port=$((20000 + RANDOM % 12000))
    if nats_answers "$port"; then continue; fi
    if run_nats "$port"; then return 0; fi
  done
  tail -n 20 "$SCRATCH/nats.log" >&2
  die "nats-server did not start"
}

run_nats() {
  local port=$1 wait
  set -m
  # The kernel ends the server when this shell dies without a word.
  setpriv --pdeathsig TERM "$NATS_SERVER" -js -sd "$NATS_DIR" -a 127.0.0.1 -p "$port" >>"$SCRATCH/nats.log" 2>&1 </dev/null &
  NATS_PID=$!
  set +m
  for ((wait = 0; wait < 100; wait++)); do
    kill -0 "$NATS_PID" 2>/dev/null || break
    if nats_answers "$port"; then
      NATS_URL=nats://127.0.0.1:$port
      return 0
    fi
    sleep 0.1
  done
  stop_nats
  return 1
}

nats_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

stop_nats() {
  if [[ -z ${NATS_PID:-} ]]; then return 0; fi
  kill -TERM "$NATS_PID" 2>/dev/null || true
  wait "$NATS_PID" 2>/dev/null || true
  NATS_PID=
}
