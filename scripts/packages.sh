# Sourced by the other scripts. Installs packages of Debian or Ubuntu.

install_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "There is no apt-get: install what Debian has in the packages $*." >&2
        return 1
    fi
    local as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "Run as root: apt-get install $*" >&2; return 1; }
        as_root=sudo
    fi
    # The packages may be available even if a package source cannot be reached.
    $as_root apt-get update || true
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-remove --no-install-recommends "$@"
}
