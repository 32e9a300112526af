"""Print `3.11` for a CPython that the project supports and fail for any other interpreter."""

import importlib
import sys
import sysconfig

if sys.implementation.name != "cpython" or not (3, 10) <= sys.version_info[:2] <= (3, 14):
    sys.exit(1)
if sysconfig.get_config_var("Py_GIL_DISABLED"):  # free-threaded builds are declared only when tested
    sys.exit(1)
for needed in ("venv", "ensurepip"):  # Debian's Python may come without the second and cannot make environments then
    importlib.import_module(needed)
print("{}.{}".format(*sys.version_info[:2]))
