#!/usr/bin/env bash
# Writes the lock files: every dependency with its version and the hashes of its files, for every platform.
#
#   deploy/lock.sh            lock what pyproject.toml asks for; what is locked stays unless it has to move
#   deploy/lock.sh --upgrade  take the newest of everything
#
# Arguments go to `uv pip compile`. A release rests a week before it may enter a lock: most bad ones are found out by then.
# An urgent one is named: --upgrade-package NAME --exclude-newer-package NAME=DATE
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
rested=$("$python" -c 'from datetime import *; print(f"{datetime.now(UTC) - timedelta(days=7):%Y-%m-%dT00:00:00Z}")')

# The package itself is built without isolation, so what builds it is locked as well.
build_requires() {
    "$python" -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'
}

compile() {
    build_requires | .venv/bin/uv pip compile pyproject.toml - --quiet --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-annotate --no-header --exclude-newer "$rested" "$@"
}

compile --extra dev --output-file deploy/requirements-dev.txt "$@"
compile --constraints deploy/requirements-dev.txt --output-file deploy/requirements.txt "$@"
echo "locked as of $rested: $(grep -c '==' deploy/requirements.txt) packages to run, $(grep -c '==' deploy/requirements-dev.txt) to develop"
