#!/usr/bin/env bash
# Makes the virtual environment of one stock TensorFlow, or accepts one that is there and has the right version.
#
#   tools/make_oracle.sh 2.15.1 .oracle/tf2.15
#
# ORACLE_PYTHON names the interpreter; without it python3.11 and python3 are tried. It must be Python 3.11.
set -euo pipefail
version=$1
folder=$2

installed() {
    "$folder/bin/python" - <<'PY' 2>/dev/null
from importlib.metadata import version
print(version("tensorflow-cpu"))
PY
}

if [ -x "$folder/bin/python" ] && [ "$(installed)" = "$version" ]; then
    echo "$folder: TensorFlow $version is there"
    exit 0
fi

python=
for candidate in ${ORACLE_PYTHON:-python3.11 python3}; do
    if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.11 ]; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "The oracle needs Python 3.11: TensorFlow $version is compared on that interpreter only (2.15.1 has no wheel for 3.12)." >&2
    echo "Tried: ${ORACLE_PYTHON:-python3.11, python3}. Install it, or name it: ORACLE_PYTHON=/path/to/python3.11 make oracle" >&2
    exit 1
fi

echo "$folder: installing TensorFlow $version with $("$python" -V) (about 1.5 GB on disk, once)"
rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/python" -m pip --disable-pip-version-check install --quiet "tensorflow-cpu==$version"
