#!/bin/sh
# Prints the Python that `make` works with: $PYTHON if set, else the first usable one of a list.
set -eu

describe="$(dirname "$0")/describe-python.py"
usable() { "$1" "$describe" >/dev/null 2>&1; }
resolve() { "$1" -c 'import sys; print(sys.executable)'; }

if [ -n "${PYTHON:-}" ]; then
    if usable "$PYTHON"; then resolve "$PYTHON"; exit 0; fi
    echo "PYTHON=$PYTHON is not a CPython 3.10 to 3.14 that can make virtual environments (venv, ensurepip)." >&2
    exit 1
fi
for name in python3.11 python3.13 python3.12 python3.10 python3.14 python3; do
    if usable "$name"; then resolve "$name"; exit 0; fi
done
echo "Python 3.10 or newer is needed and none was found: install one, or name it with PYTHON=/path/to/python." >&2
exit 1
