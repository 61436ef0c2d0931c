#!/usr/bin/env bash
# Everything that the project needs on a fresh machine: uv (found, or brought from PyPI), a Python 3.12, the locked
# packages. Prints the path of uv; says plainly what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '%s\n' "$*" >&2; }

find_uv() {
    if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then command -v uv; return; fi
    if [ -x .local/tools/bin/uv ]; then echo "$PWD/.local/tools/bin/uv"; return; fi
    for python in python3.12 python3 python; do
        command -v "$python" >/dev/null 2>&1 && "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || continue
        say "setup: uv is not installed; bringing it from PyPI into .local/tools"
        "$python" -m venv .local/tools >&2 && .local/tools/bin/pip install --quiet "uv==0.13.9" >&2
        echo "$PWD/.local/tools/bin/uv"
        return
    done
    say "setup: neither uv nor a Python 3 with venv and pip was found."
    say "       Install uv (pip install uv), or a Python 3.12 with pip, and run make again."
    exit 1
}

uv=$(find_uv)
if ! "$uv" python find 3.12 >/dev/null 2>&1; then
    say "setup: no Python 3.12 on this machine; uv tries to bring one"
    if ! "$uv" python install 3.12 >&2; then
        say "setup: Python 3.12 is missing (flytekit needs < 3.13, and the functions run on 3.12)."
        say "       Install it with your package manager or pyenv, and run make again."
        exit 1
    fi
fi
say "setup: installing the locked packages"
"$uv" sync --frozen --quiet
mkdir -p .local/typings
# flyteidl ships type stubs but not the marker that lets mypy read them where they are.
ln -sfn ../../.venv/lib/python3.12/site-packages/flyteidl .local/typings/flyteidl
mkdir -p .local && printf '%s' "$uv" >.local/uv
