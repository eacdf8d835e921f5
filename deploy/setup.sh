#!/usr/bin/env bash
# Sets up what the project needs, and is done at once when nothing is missing.
#
#   deploy/setup.sh demo   what the server and the phone mock need to run
#   deploy/setup.sh dev    the same, and what the checks and tests need
#
# PYTHON names another interpreter than the one found here (3.11 or newer).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[2mset-up: %s\033[0m\n' "$*" >&2; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

case "${1:-}" in
    demo) lock=deploy/requirements.txt ;;
    dev) lock=deploy/requirements-dev.txt ;;
    *) fail "say what for: deploy/setup.sh demo|dev" ;;
esac
mode=$1

find_python() {
    local name
    for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and none was found; install it, or name it: PYTHON=/path/to/python3 make ..."
}

# --- the system's packages: the HSM in software, the referees pdfsig and certutil; a database and a browser for the tests ---

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "root or sudo is needed once, for: $*"
    fi
}

on_debian() {
    local wanted="softhsm2 poppler-utils libnss3-tools libseccomp2 openssl" missing="" package
    if [ "$mode" = dev ]; then wanted="$wanted postgresql chromium fonts-dejavu-core"; fi
    if [ "$mode" = dev ] && ! command -v npm >/dev/null; then wanted="$wanted npm"; fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then wanted="$wanted python3-venv"; fi
    for package in $wanted; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing="$missing $package"
        fi
    done
    if [ -z "$missing" ]; then return; fi
    say "installing$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086  # one word each
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

on_macos() {
    local wanted="softhsm poppler nss" missing="" package have
    if [ "$mode" = dev ]; then wanted="$wanted postgresql@17 node"; fi
    have=" $(brew list --formula -1 | tr '\n' ' ')"
    for package in $wanted; do
        case "$have" in *" $package "*) ;; *) missing="$missing $package" ;; esac
    done
    if [ -z "$missing" ]; then return; fi
    say "installing$missing"
    # shellcheck disable=SC2086  # one word each
    brew install --quiet $missing
}

browser_on_macos() {
    if [ "$mode" != dev ] || [ -d "/Applications/Chromium.app" ] || [ -d "/Applications/Google Chrome.app" ]; then return; fi
    say "installing chromium"
    brew install --quiet --cask chromium
}

install_system_packages() {
    if command -v apt-get >/dev/null; then
        on_debian
    elif command -v brew >/dev/null; then
        on_macos
        browser_on_macos
    elif ! { command -v softhsm2-util && command -v pdfsig && command -v certutil; } >/dev/null; then
        fail "neither apt-get nor brew is here: install SoftHSM 2, poppler's pdfsig and NSS's certutil yourself"
    fi
}

# --- the virtual environment: what is locked, by hash, and the project itself ---

# What an installation is made from. A copy of it in .venv tells that the installation is complete.
inputs() { cat "$1" pyproject.toml; }
is_installed() { inputs "$1" | cmp -s - ".venv/$(basename "$1")" && .venv/bin/python -c '' 2>/dev/null; }

install_python_packages() {
    if is_installed "$lock" || is_installed deploy/requirements-dev.txt; then return; fi
    say "installing the Python packages of $lock into .venv ($("$python" --version)); half a minute, and the downloads"
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
    # A source package would run its build, and fetch what that needs past the lock. Only Intel Macs need one.
    local wheels=--only-binary=:all:
    if [ "$(uname -sm)" = "Darwin x86_64" ]; then wheels=--prefer-binary; fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "$wheels" -r "$lock"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    inputs "$lock" > ".venv/$(basename "$lock")"
}

# --- relying applications that others wrote, and the checker of accessibility: locked by hash as well ---

install_outside_clients() {
    local place=tests/outside
    if cmp -s "$place/package-lock.json" "$place/node_modules/.installed-lock.json"; then return; fi
    say "installing the packages of $place/package-lock.json"
    npm --prefix "$place" ci --silent --ignore-scripts --no-audit --no-fund
    cp "$place/package-lock.json" "$place/node_modules/.installed-lock.json"
}

python=$(find_python)
install_system_packages
install_python_packages
if [ "$mode" = dev ]; then install_outside_clients; fi
