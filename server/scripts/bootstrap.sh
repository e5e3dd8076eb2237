#!/bin/sh
# Makes or refreshes the virtual environment .venv from nothing but Python 3.11, 3.12 or 3.13.
#
#   bootstrap.sh         what the server needs
#   bootstrap.sh dev     and what tests and lints it
#
# Quick when nothing changed. PYTHON=/path/to/python picks an interpreter.
set -eu

cd "$(dirname "$0")/../.."
kind=${1:-run}
venv=.venv
run_locks="server/requirements/run.txt server/requirements/build.txt"
dev_locks="$run_locks server/requirements/dev.txt"
case $kind in
run) locks=$run_locks ;;
dev) locks=$dev_locks ;;
*) echo "usage: bootstrap.sh [run|dev]" >&2 && exit 2 ;;
esac

fail() {
    echo "bootstrap: $*" >&2
    exit 1
}

right_version() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

makes_environments() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# The first interpreter of a right version that can make environments; else the first of a right version.
pick_python() {
    second=
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
        right_version "$name" || continue
        if makes_environments "$name"; then
            echo "$name"
            return
        fi
        second=${second:-$name}
    done
    echo "$second"
}

install_venv_module() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif sudo -n true >/dev/null 2>&1; then
        as_root="sudo -n"
    else
        return 1
    fi
    package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    echo "bootstrap: installing Debian's $package" >&2
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq"
    { $apt update && $apt -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$package"; } >&2
}

find_python() {
    python=$(pick_python)
    if [ -z "$python" ]; then
        found=$(python3 --version 2>&1) || found="no python3"
        fail "needs Python 3.11, 3.12 or 3.13 on the PATH (found: $found); PYTHON=/path/to/python names one"
    fi
    makes_environments "$python" && return
    install_venv_module "$python" || true
    makes_environments "$python" ||
        fail "$python lacks its venv and ensurepip modules: as root, run apt-get install python3-venv"
}

# Of everything that decides what is installed, and of the place: environments do not survive a move.
fingerprint() {
    { pwd && cat pyproject.toml "$@"; } | sha256sum | cut -d ' ' -f 1
}

works() {
    [ -x "$venv/bin/python" ] && right_version "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

stamp="$venv/.moorage-$kind"
# shellcheck disable=SC2086 # the list of locks is meant to be split
wanted=$(fingerprint $locks)
if [ -x "$venv/bin/moorage" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && right_version "$venv/bin/python"; then
    exit 0
fi

if ! works; then
    find_python
    echo "bootstrap: making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi
rm -f "$venv"/.moorage-*

echo "bootstrap: installing what the locks name ($kind)"
pip="$venv/bin/python -m pip -qq --no-input --disable-pip-version-check"
arguments=
for lock in $locks; do arguments="$arguments --requirement $lock"; done
# shellcheck disable=SC2086 # both are lists of words without blanks in them
$pip install --require-hashes $arguments
# shellcheck disable=SC2086
$pip install --no-deps --no-build-isolation --editable .
echo "$wanted" >"$stamp"
if [ "$kind" = dev ]; then
    # shellcheck disable=SC2086
    fingerprint $run_locks >"$venv/.moorage-run"
fi
