# Shared by the scripts: where the project is, which Python, which system packages. Source it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Install Debian packages that are missing; without apt or the right to use it, say what to install.
need_packages() {
    local missing=() package
    command -v dpkg-query >/dev/null || return 0
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local apt=(apt-get)
    [ "$(id -u)" -eq 0 ] || apt=(sudo -n apt-get)
    say "installing ${missing[*]}"
    "${apt[@]}" update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
        die "could not install: run 'sudo apt install ${missing[*]}' and start this script again"
}

# The Python to use: $PYTHON, or the first on the PATH that is 3.11 or newer and can make environments.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# Make .venv and install the package with the given extras, unless that has been done for this setup.py.
need_venv() {
    local extras=$1 python stamp want
    if [ ! -x "$venv/bin/python" ]; then
        python=$(find_python) || { need_packages python3 python3-venv; python=$(find_python); } ||
            die "Python 3.11 or newer is needed"
        "$python" -m venv "$venv"
    fi
    stamp="$venv/.installed-$extras"
    want=$(cat "$root/setup.py" "$root/pyproject.toml" "$root/edge/genre_edge/version.py" | sha256sum)
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$want" ]; then
        say "installing genre-edge${extras:+[$extras]} into .venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --editable "$root${extras:+[$extras]}" >&2
        printf '%s\n' "$want" >"$stamp"
    fi
}
