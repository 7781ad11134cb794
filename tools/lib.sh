# Shared by the scripts in this folder: finding a Python, installing what is missing, building. Sourced by bash.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*"; }
die() {
    printf 'rebottle: %s\n' "$*" >&2
    exit 1
}
in_ci() { [[ ${CI:-} == true ]]; }

# quietly TITLE LOG COMMAND...: one line instead of the command's output, which is shown only if it fails.
quietly() {
    local title=$1 log=$2
    shift 2
    say "$title"
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        die "failed: $title"
    }
}

# --- Debian packages ----------------------------------------------------------------------------------------------------

# need_packages PACKAGE=TEST...: TEST is a command, or a file that starts with /.
need_packages() {
    local pair probe missing=()
    for pair in "$@"; do
        probe=${pair#*=}
        case $probe in
            /*) [[ -e $probe ]] || missing+=("${pair%%=*}") ;;
            *) command -v "$probe" >/dev/null || missing+=("${pair%%=*}") ;;
        esac
    done
    [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

install_packages() {
    command -v apt-get >/dev/null || die "these are missing, please install them: $*"
    [[ $(id -u) -eq 0 ]] || die "these packages are missing; as root: apt-get install $*"
    quietly "Updating the list of Debian packages" build/log/apt-update.txt apt-get update -q
    quietly "Installing Debian packages: $*" build/log/apt-install.txt \
        env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

need_build_packages() {
    need_packages g++=g++ cmake=cmake ninja-build=ninja libgtest-dev=/usr/include/gtest/gtest.h
}

# --- a private environment and a build for each Python ------------------------------------------------------------------

# setup: fills PYTHONS with the minor versions to use, the preferred one first, each of them prepared.
# One version normally; every one that is there in CI or with REBOTTLE_ALL=1.
setup() {
    local list minor path
    need_build_packages
    list=$(find_pythons)
    PYTHONS=()
    while read -r minor path; do
        prepare "$minor" "$path"
        PYTHONS+=("$minor")
    done <<<"$list"
}

find_pythons() {
    local all=()
    if in_ci || [[ ${REBOTTLE_ALL:-} == 1 ]]; then all=(--all); fi
    local list
    list=$(tools/find-python "${all[@]}") || exit 1
    if [[ -z $list ]]; then
        tools/fetch-python >&2
        list=$(tools/find-python "${all[@]}")
    fi
    [[ -n $list ]] || die "no Python 3.12 or 3.13 with its headers was found, and none could be fetched;" \
        "install one (on Debian: python3.13-dev and python3.13-venv), or name it: PYTHON=/path make test"
    printf '%s\n' "$list"
}

# prepare MINOR PATH: .venv/MINOR with everything the tests need, build/MINOR up to date and importable from there.
prepare() {
    make_venv "$1" "$2"
    configure "build/$1" "$2"
    compile "build/$1"
}

# The interpreter that the environment of a minor version was made from.
base_python() { cut -d' ' -f1 ".venv/$1/.stamp"; }

make_venv() {
    local venv=.venv/$1 stamp
    stamp="$2 $PWD $(sha256sum <tools/requirements-dev.txt)"
    [[ -f $venv/.stamp && $(<"$venv/.stamp") == "$stamp" ]] && return
    if [[ ! -f $venv/.stamp || $(<"$venv/.stamp") != "$2 $PWD "* ]]; then
        rm -rf "$venv"
        "$2" -c 'import ensurepip' 2>/dev/null || install_packages "python$1-venv" # Debian has it apart
        quietly "Making a private environment for Python $1 ($2)" "build/log/venv-$1.txt" "$2" -m venv "$venv"
        add_package_to "$venv" "build/$1/python"
    fi
    quietly "Installing the Python tools into $venv" "build/log/pip-$1.txt" "$venv/bin/python" -m pip install \
        --disable-pip-version-check --no-input --quiet -r tools/requirements-dev.txt
    printf '%s' "$stamp" >"$venv/.stamp"
}

# The environment sees the build through a path file, so that an edit needs no installation.
add_package_to() {
    local venv=$1 tree=$PWD/$2
    printf '%s\n' "$tree" >"$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/rebottle.pth"
    cat >"$venv/bin/rebottle" <<END
#!$PWD/$venv/bin/python
import sys
from rebottle.__main__ import main
sys.exit(main())
END
    chmod +x "$venv/bin/rebottle"
}

# configure BUILD PYTHON [CMAKE OPTION...]: anew only if the interpreter or an option changed; ninja sees to the rest.
configure() {
    local build=$1 python=$2 werror=OFF stamp
    shift 2
    in_ci && werror=ON
    stamp="$python $PWD $werror $*"
    [[ -f $build/.stamp && $(<"$build/.stamp") == "$stamp" ]] && return
    rm -rf "$build"
    quietly "Configuring $build" "build/log/configure-${build##*/}.txt" cmake -S . -B "$build" -G Ninja \
        -DPython_EXECUTABLE="$python" -DREBOTTLE_WERROR=$werror "$@"
    printf '%s' "$stamp" >"$build/.stamp"
}

compile() {
    local log=build/log/compile-${1##*/}.txt
    quietly "Building $1" "$log" cmake --build "$1" --parallel "$(nproc)" -- --quiet
    if grep -q 'warning:' "$log"; then grep -v '^-- ' "$log" >&2; fi
}

# --- what is linted and formatted ---------------------------------------------------------------------------------------

cpp_files() { find include src tests/cpp demo bench -name '*.[ch]pp'; }
python_folders() { ls -d python tests tools demo bench; }
