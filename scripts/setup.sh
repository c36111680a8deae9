# Sourced by the other scripts. Installs what a machine lacks, on Debian and Ubuntu.

# The scripts run the command from here. It is built like the tests, which compile less then.
export CARGO_TARGET_DIR="$PWD/target"
command=target/debug/hard-sigmoid

# Mesa complains if this is not set.
mkdir -p target
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$PWD/target}

run() { echo "-- $*"; "$@"; }

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

# Prints the adapters that are missing.
missing_adapters() {
    local list name
    list=$($command adapters 2>/dev/null) || list=""
    for name in $HARD_SIGMOID_REQUIRE; do
        if [ "$name" = any ]; then
            [ -n "$list" ] || echo any
        else
            grep --quiet --ignore-case "${name#*/}.*(${name%/*}[,)]" <<<"$list" || echo "$name"
        fi
    done
}

# Adds SwiftShader to the drivers that the Vulkan loader finds by default.
use_swiftshader() {
    local icd
    icd=$(dpkg -L chromium-common 2>/dev/null | grep swiftshader_icd) || return 0
    export VK_ICD_FILENAMES
    VK_ICD_FILENAMES=$(printf '%s:' /usr/share/vulkan/icd.d/*.json)$icd
}

# With an example, cargo compiles wgpu as the tests need it, and not twice.
build_command() { cargo build --features ndarray,serde --bin hard-sigmoid --example embed_compute; }

# Ensures that the machine has a GPU adapter, or those that HARD_SIGMOID_REQUIRE lists by backend and name
# ("vulkan/llvmpipe gl/llvmpipe"). Installs software drivers for the missing ones: Mesa for Vulkan and GL, and
# SwiftShader from Debian's package chromium-common.
need_adapters() {
    export HARD_SIGMOID_REQUIRE=${HARD_SIGMOID_REQUIRE:-any}
    # Builds first, so that a build failure is not mistaken for a missing adapter.
    build_command
    local swiftshader=""
    [[ $HARD_SIGMOID_REQUIRE != *swiftshader* ]] || swiftshader=yes
    [ -z "$swiftshader" ] || use_swiftshader
    [ -n "$(missing_adapters)" ] || return 0
    echo "No adapter for:" $(missing_adapters) >&2
    # shellcheck disable=SC2046
    install_packages mesa-vulkan-drivers libegl1 libegl-mesa0 libgl1-mesa-dri \
        $([ -z "$swiftshader" ] || echo chromium-common)
    [ -z "$swiftshader" ] || use_swiftshader
    local missing
    missing=$(missing_adapters)
    [ -z "$missing" ] || { echo "Still no adapter for:" $missing >&2; return 1; }
}

# Runs a command for each required adapter, which wgpu's variables select.
each_adapter() {
    local name
    for name in $HARD_SIGMOID_REQUIRE; do
        if [ "$name" = any ]; then
            "$@"
        else
            WGPU_BACKEND=${name%/*} WGPU_ADAPTER_NAME=${name#*/} "$@"
        fi
    done
}
