#!/bin/sh
# Makes the Python environment of the oracle in the folder given. Needs Python 3.11 or later with venv;
# as root on Debian it installs what is missing.
set -eu
folder=$1
requirements=$(dirname "$0")/requirements.txt

usable() {
    python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if ! usable && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
fi
if ! usable; then
    echo "对照规则需要 Python 3.11 或更高版本及 venv：请安装后重试（Debian：apt-get install python3 python3-venv）" >&2
    echo "the oracle needs Python 3.11 or later with venv: install them and try again (Debian: apt-get install python3 python3-venv)" >&2
    exit 1
fi
python3 -m venv --clear "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$requirements"
