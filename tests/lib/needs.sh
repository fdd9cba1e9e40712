# What the tests need beside a Rust toolchain, a C compiler and git: how each is found, and the
# packages that bring it. Sourced by tests/run; sets PG_BIN, NATS_SERVER, CHROMIUM, CHROMEDRIVER, HEADLESS,
# NGINX, NODE, TSC and PYTHON.

# name | probe | what the tests do with it
NEEDS=(
  "postgresql|find_postgresql|PostgreSQL 15 or newer: the second engine that every test runs on"
  "nats|find_nats|nats-server 2.9 or newer with JetStream: what services that run apart have between them"
  "chromium|find_chromium|Chromium and its driver: the pages are tried in a real browser"
  "cjk-font|find_cjk_font|a font with Chinese characters: the screenshots must be readable"
  "certutil|find_certutil|certutil: makes a browser trust the test's own certificate authority"
  "coturn|find_coturn|its server and tools: independent clients and peers of the embedded TURN server"
  "nginx|find_nginx|nginx: the shipped proxy's file is tried with it before services that run apart"
  "node|find_node|Node.js 18 or newer: the pure parts of the browser's scripts are tried without a browser"
  "typescript|find_typescript|TypeScript 4.8 to 5: the types that the browser's scripts say in their comments are checked"
  "python|find_python|Python 3.11 or newer with venv: the independent clients of WebRTC and of the API"
)

# The Debian and Ubuntu packages of a need.
packages_of() {
  case $1 in
    postgresql) echo "postgresql" ;;
    nats) echo "nats-server" ;;
    # Ubuntu has the browser under other names (and as a snap).
    chromium) if is_ubuntu; then echo "chromium-browser chromium-chromedriver"; else echo "chromium chromium-driver"; fi ;;
    cjk-font) echo "fontconfig fonts-noto-cjk" ;;
    certutil) echo "libnss3-tools" ;;
    coturn) echo "coturn" ;;
    nginx) echo "nginx" ;;
    node) echo "nodejs" ;;
    typescript) echo "node-typescript" ;;
    python) echo "python3 python3-venv" ;;
  esac
}

is_ubuntu() { grep -qs '^ID=ubuntu$' /etc/os-release; }

first_command() {
  local name
  for name in "$@"; do
    if command -v "$name" 2>/dev/null; then return 0; fi
  done
  return 1
}

find_postgresql() {
  local dir major
  for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -rn) \
    "$(pg_config --bindir 2>/dev/null || true)" "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
    [[ -x $dir/initdb && -x $dir/postgres ]] || continue
    major=$("$dir/postgres" --version | grep -oE '[0-9]+' | head -n 1)
    if ((major >= 15)); then
      PG_BIN=$dir
      return 0
    fi
  done
  return 1
}

# Debian puts it where an ordinary user's PATH does not lead.
find_nats() { NATS_SERVER=$(first_command nats-server /usr/sbin/nats-server); }

find_nginx() { NGINX=$(first_command nginx /usr/sbin/nginx); }

find_chromium() {
  CHROMIUM=$(first_command chromium chromium-browser google-chrome) || return 1
  CHROMEDRIVER=$(first_command chromedriver /usr/lib/chromium-browser/chromedriver) || return 1
}

# Without `grep -q`: it would end fc-list early, and pipefail would call that a failure.
find_cjk_font() { [[ -n $(fc-list ':lang=zh-cn' file 2>/dev/null) ]]; }

find_certutil() { command -v certutil >/dev/null; }

find_coturn() {
  local tool
  for tool in turnserver turnutils_uclient turnutils_peer; do
    command -v "$tool" >/dev/null || return 1
  done
}

find_node() {
  NODE=$(first_command node nodejs) || return 1
  "$NODE" -e 'process.exit(parseInt(process.versions.node, 10) < 18 ? 1 : 0)'
}

# The first one that fits: somebody may have another of their own.
find_typescript() {
  local tsc version
  for tsc in $(type -aP tsc) /usr/bin/tsc; do
    [[ -x $tsc ]] || continue
    version=$("$tsc" --version | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
    if [[ $version =~ ^(4\.([89]|[1-9][0-9]+)|5\.[0-9]+)$ ]]; then
      TSC=$tsc
      return 0
    fi
  done
  return 1
}

find_python() {
  local python
  for python in "$(command -v python3 || true)" /usr/bin/python3; do
    if [[ -n $python ]] && "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      PYTHON=$python
      return 0
    fi
  done
  return 1
}

# Fills MISSING with the names of the needs that are not met; those named as arguments are not asked for.
find_needs() {
  local row name probe
  MISSING=()
  hash -r
  for row in "${NEEDS[@]}"; do
    IFS='|' read -r name probe _ <<<"$row"
    [[ " $* " == *" $name "* ]] && continue
    "$probe" || MISSING+=("$name")
  done
}

# What is missing, in words, and the packages that bring it.
explain_missing() {
  local row name packages=()
  say "the tests need, and this machine lacks:"
  for row in "${NEEDS[@]}"; do
    name=${row%%|*}
    [[ " ${MISSING[*]} " == *" $name "* ]] || continue
    echo "  - ${row##*|}" >&2
    read -ra more <<<"$(packages_of "$name")"
    packages+=("${more[@]}")
  done
  say "install them first; on Debian or Ubuntu: apt-get install ${packages[*]}"
}

# Runs apt-get as root; its output goes to a file, for it matters only when it failed.
apt() { "${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >>"$SCRATCH/apt.log" 2>&1; }

# Whether this user may install packages; sets AS_ROOT.
may_install() {
  AS_ROOT=()
  command -v apt-get >/dev/null || return 1
  if ((EUID != 0)); then
    sudo -n true 2>/dev/null || return 1
    AS_ROOT=(sudo -n)
  fi
}

apt_install() { may_install && { apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; }; }; }

# Installs what MISSING names. Fails when this user may not.
install_missing() {
  local name more packages=() drop_in=/etc/postgresql-common/createcluster.d/sanbao-tests.conf
  # Debian starts a server as soon as it is installed, unless this says no; the tests start private ones.
  local starts=/usr/sbin/policy-rc.d no_starts=
  may_install || return 1
  for name in "${MISSING[@]}"; do
    read -ra more <<<"$(packages_of "$name")"
    packages+=("${more[@]}")
  done
  say "installing ${packages[*]}"
  apt update || say "apt-get update failed; trying with the lists that are there"
  if [[ " ${packages[*]} " == *" postgresql "* ]]; then
    # The package would make and start a database server of its own; the tests start a private one.
    apt install --no-install-recommends postgresql-common || return 1
    "${AS_ROOT[@]}" mkdir -p "${drop_in%/*}"
    echo "create_main_cluster = false" | "${AS_ROOT[@]}" tee "$drop_in" >/dev/null
  fi
  if [[ ! -e $starts ]]; then
    no_starts=1
    printf '#!/bin/sh\nexit 101\n' | "${AS_ROOT[@]}" tee "$starts" >/dev/null
    "${AS_ROOT[@]}" chmod 755 "$starts"
  fi
  local code=0
  apt install --no-install-recommends "${packages[@]}" || code=$?
  if [[ -n $no_starts ]]; then "${AS_ROOT[@]}" rm -f "$starts"; fi
  if [[ -e $drop_in ]]; then "${AS_ROOT[@]}" rm -f "$drop_in"; fi
  return "$code"
}

# The shell of Chromium that shows pages at half the cost of the whole browser, if it can be had in the driver's version;
# else the whole one.
find_headless() {
  local shell
  HEADLESS=$CHROMIUM
  for shell in /usr/lib/chromium/chromium-headless-shell "$(first_command chrome-headless-shell || true)"; do
    if [[ -x $shell && $(major_of "$shell") == "$(major_of "$CHROMEDRIVER")" ]]; then
      HEADLESS=$shell
      return 0
    fi
  done
  return 1
}

major_of() { "$1" --version 2>/dev/null | grep -oE '[0-9]+' | head -n 1; }

want_headless() {
  find_headless && return 0
  is_ubuntu || apt_install chromium-headless-shell || true
  find_headless || say "no headless shell of Chromium in the driver's version: pages are shown by the whole browser"
}

# Meets every need or ends the run with one plain message and code 2.
require_needs() {
  find_needs "$@"
  if ((${#MISSING[@]} > 0)); then
    install_missing || { [[ -s $SCRATCH/apt.log ]] && tail -n 20 "$SCRATCH/apt.log" >&2; true; }
    find_needs "$@"
  fi
  if ((${#MISSING[@]} > 0)); then
    explain_missing
    exit 2
  fi
  want_headless
}

# A Python environment with the pinned clients, kept in the target folder until the pins or Python change.
require_python_clients() {
  local pins=tests/clients/requirements.txt alone=tests/clients/alone.txt key venv
  key=$({ "$PYTHON" -VV && cat "$pins" "$alone"; } | cksum | cut -d' ' -f1)
  venv=$TARGET/test-python/$key
  if [[ ! -e $venv/.complete ]]; then
    say "installing the Python clients of $pins"
    rm -rf "$TARGET/test-python"
    mkdir -p "$TARGET/test-python"
    if ! { "$PYTHON" -m venv "$venv" \
      && "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$pins" \
      && "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --no-deps -r "$alone" \
      && touch "$venv/.complete"; }; then
      say "the Python packages of $pins could not be installed (see above); they come from PyPI"
      exit 2
    fi
  fi
  TEST_PYTHON=$venv/bin/python
  AXE=$(echo "$venv"/lib/python*/site-packages/axe_playwright_python/axe.min.js)
}
