# shellcheck shell=bash
# What every script needs. Source it after `set -euo pipefail`; it sets `root`, the repository's folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

say() { printf '%s\n' "$*"; }

# Prints the reason, with what to do about it, and ends the script.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# rustup puts cargo where only login shells look.
find_cargo() {
    if ! command -v cargo >/dev/null && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    fi
    command -v cargo >/dev/null
}

# The folder that cargo builds into.
target_dir() { printf '%s\n' "${CARGO_TARGET_DIR:-$root/target}"; }

# Windows, sound and Vulkan drivers want a folder of the user's own. A bare machine has none, and one
# that others could write to would be refused, so the fallback is checked for owner and mode.
ensure_runtime_dir() {
    [[ -n ${XDG_RUNTIME_DIR:-} && -d ${XDG_RUNTIME_DIR} ]] && return
    XDG_RUNTIME_DIR=${TMPDIR:-/tmp}/jogwheel-runtime-$(id -u)
    (umask 077 && mkdir -p "$XDG_RUNTIME_DIR")
    [[ -O $XDG_RUNTIME_DIR && ! -L $XDG_RUNTIME_DIR ]] ||
        die "$XDG_RUNTIME_DIR belongs to another user. Set XDG_RUNTIME_DIR to a folder of your own."
    chmod 700 "$XDG_RUNTIME_DIR"
    export XDG_RUNTIME_DIR
}

# Builds the release binary. Cargo shows its progress, and says nothing when there is nothing to do.
build_release() {
    local binary quiet=()
    binary=$(target_dir)/release/jogwheel
    if [[ -x $binary && -z $(find "$root/src" "$root/shaders" "$root/assets" "$root"/Cargo.{toml,lock} \
        -newer "$binary" -print -quit 2>/dev/null) ]]; then
        quiet=(--quiet)
    else
        say "Building the release binary; the first build takes several minutes."
    fi
    cargo build --release --locked "${quiet[@]}" --manifest-path "$root/Cargo.toml"
}

# Starts an X server of our own on a free display, and sets DISPLAY and `xvfb_pid`. $1: a private folder.
# The caller ends it: `kill "$xvfb_pid"`.
start_xvfb() {
    local folder=$1 display='' tries=0
    mkfifo "$folder/xvfb.display"
    Xvfb -displayfd 3 -screen 0 1920x1080x24 -nolisten tcp -noreset \
        3<>"$folder/xvfb.display" >"$folder/xvfb.log" 2>&1 &
    xvfb_pid=$!
    exec 9<>"$folder/xvfb.display"
    while [[ -z $display ]]; do
        read -r -t 1 -u 9 display || true
        kill -0 "$xvfb_pid" 2>/dev/null || die "Xvfb did not start: $(tail -n 3 "$folder/xvfb.log")"
        if ((++tries > 30)); then
            kill "$xvfb_pid"
            die "Xvfb did not start within 30 seconds: $(tail -n 3 "$folder/xvfb.log")"
        fi
    done
    exec 9<&-
    export DISPLAY=:$display
    unset WAYLAND_DISPLAY
}

# Sets `otio_python` to a Python that has OpenTimelineIO, in an environment of its own below cargo's target
# folder. Fails, and says why, where it cannot be installed.
ensure_otio_python() {
    local version=0.18.1 folder log
    folder=$(target_dir)/opentimelineio-$version
    otio_python=$folder/bin/python
    if "$otio_python" -c 'import opentimelineio' 2>/dev/null; then
        return
    fi
    log=$(mktemp)
    if ! { python3 -m venv --clear "$folder" &&
        "$otio_python" -m pip install --quiet --disable-pip-version-check "opentimelineio==$version"; } \
        >"$log" 2>&1; then
        say "OpenTimelineIO $version could not be installed: $(tail -n 1 "$log")"
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}
