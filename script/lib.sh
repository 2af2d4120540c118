# What the scripts share: where the project is, which Python, which system packages.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"
all_extras=dev,mic,train  # what working on the project needs

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Install Debian packages that are missing. Without the right to, say what to install.
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

# The Python to use: $PYTHON, or the first on the PATH that is 3.11 or newer and can make
# environments.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# The Python of one version, such as 3.12. pyenv hides versions until they are chosen, so
# its folder is searched too.
find_python_version() {
    local candidate
    for candidate in "$(command -v "python$1")" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if [ -n "$candidate" ] && "$candidate" -c 'import ensurepip' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# Whether requirements-dev.txt is for the Python and the machine of .venv.
has_hashes() {
    "$venv/bin/python" -c 'import platform, sys
known = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")
sys.exit(not (known and (3, 11) <= sys.version_info[:2] <= (3, 13)))'
}

# Make .venv and install the package with the given extras, at the versions of
# constraints.txt, unless that was done since the package's metadata last changed. With all
# extras, each file must have the hash that requirements-dev.txt has for it. If no extras
# are asked for, an installation with extras will do.
need_venv() {
    local extras=$1 python stamp want
    if [ ! -x "$venv/bin/python" ]; then
        python=$(find_python) || { need_packages python3 python3-venv; python=$(find_python); } ||
            die "Python 3.11 or newer is needed"
        "$python" -m venv "$venv"
    fi
    stamp="$venv/.installed-$extras"
    want=$(cd "$root" && cat setup.py pyproject.toml constraints.txt edge/genre_edge/version.py | sha256sum)
    if ! grep -qsx "$want" "$stamp" && { [ -n "$extras" ] || ! grep -qsx "$want" "$venv"/.installed-*; }; then
        say "installing genre-edge${extras:+[$extras]} into .venv"
        if [ "$extras" = "$all_extras" ] && has_hashes; then
            "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
                --requirement "$root/requirements-dev.txt" >&2
            # Built with what is there now: nothing more is downloaded.
            "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
                --no-build-isolation --editable "$root" >&2
        else
            "$venv/bin/pip" install --quiet --disable-pip-version-check \
                --constraint "$root/constraints.txt" --editable "$root${extras:+[$extras]}" >&2
        fi
        printf '%s\n' "$want" >"$stamp"
    fi
}

# ansible-lint, in an environment of its own: its packages are for nothing else here.
need_ansible_lint() {
    local want
    ansible_lint="$root/.cache/ansible-lint"
    want=$(sha256sum <"$root/requirements-lint.txt")
    grep -qsx -- "$want" "$ansible_lint/installed" && return 0
    say "installing ansible-lint into .cache"
    rm -rf "$ansible_lint"
    "$venv/bin/python" -m venv "$ansible_lint"
    "$ansible_lint/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
        --requirement "$root/requirements-lint.txt" >&2
    printf '%s\n' "$want" >"$ansible_lint/installed"
}

# The schema of cloud-init's files, out of its Debian package. The package itself is not
# installed: it would act at the next boot.
need_cloud_init_schema() {
    local folder="$root/.cache/cloud-init"
    [ ! -f "$folder/schema.json" ] && command -v apt-get >/dev/null || return 0
    say "fetching the schema of cloud-init into .cache"
    mkdir -p "$folder"
    (cd "$folder" && { apt-get download -qq cloud-init || { apt-get update -qq && apt-get download -qq cloud-init; }; }) >/dev/null 2>&1 ||
        { say "no package cloud-init: its file is not checked"; return 0; }
    dpkg-deb --fsys-tarfile "$folder"/cloud-init_*.deb |
        tar -xO --wildcards '*/schema-cloud-config-v1.json' >"$folder/schema.part"
    rm "$folder"/cloud-init_*.deb
    mv "$folder/schema.part" "$folder/schema.json"
}
