# Gives the current shell a home below target/, so that a development build and
# the OpenCodes it records meet nothing of yours. Use it as `. xtask/sandbox.sh`.

# Cargo, rustup and npm keep what they have already fetched.
export CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}"
export RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
export npm_config_cache="${npm_config_cache:-$HOME/.npm}"

HOME="$(git rev-parse --show-toplevel)/target/sandbox"
export HOME
export XDG_CONFIG_HOME="$HOME/config" XDG_DATA_HOME="$HOME/data" XDG_STATE_HOME="$HOME/state"
export XDG_CACHE_HOME="$HOME/cache" XDG_RUNTIME_DIR="$HOME/runtime" OCTRACE_HOME="$HOME/octrace"
mkdir -p "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
