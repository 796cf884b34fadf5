#!/usr/bin/env bash
# deps.sh [PACKAGE...]: installs what building and testing needs on Debian 12, and the packages named. What is there is not
# fetched again, and when all is there the network is not used. May be sourced for its function install_packages.

BUILD_PACKAGES=(
    cmake ninja-build gcc g++ libc6-dev pkg-config
    liburing-dev libck-dev libjemalloc-dev libconfuse-dev libjson-c-dev nettle-dev libexpat1-dev libseccomp-dev
    libbenchmark-dev libcmocka-dev
)
TEST_PACKAGES=(sip-tester kamailio baresip-core jq util-linux procps libosip2-dev liburcu-dev mandoc spin patch systemd)
# What scripts/bench.sh and plots.sh use, and what it compares with; it builds and runs without these, too.
# shellcheck disable=SC2034 # theirs
BENCH_PACKAGES=(jq util-linux liburcu-dev libosip2-dev libzmq3-dev libiceoryx-binding-c-dev iceoryx gnuplot-nox)

# Prints those of the packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" != "install ok installed" ]; then
            echo "$package"
        fi
    done
}

# Installs those of the packages that are missing, as root or by sudo.
install_packages() {
    local missing as_root=()
    if ! command -v dpkg >/dev/null || ! command -v apt-get >/dev/null; then
        echo "deps.sh: this is not Debian; needed are the counterparts of: $*" >&2
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "deps.sh: these packages are missing, and there is no sudo to install them: ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    echo "installing: ${missing[*]}"
    # The lists that are there may do; when they do not, fetch them.
    if "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        return 0
    fi
    "${as_root[@]}" apt-get update -q >/dev/null &&
        "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "$@"
fi
