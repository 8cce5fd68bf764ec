"""Makes the virtual environment and installs a requirement file into it, once. Runs on any Python 3, to say so."""

import os
import shutil
import subprocess
import sys

NEEDED = (3, 11)


def check_python() -> None:
    if sys.version_info < NEEDED:
        sys.exit(
            f"error: this is Python {sys.version_info[0]}.{sys.version_info[1]}, and 3.11 or newer is needed: "
            "make PYTHON=/path/to/python3.11 …"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit("error: this Python cannot make virtual environments; on Debian: apt-get install python3-venv")


def works(python: str) -> bool:
    """Returns whether the environment's Python starts and has pip; after a move or an upgrade it does not."""
    try:
        return subprocess.call([python, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def main(folder: str, requirements: str, stamps: "list[str]") -> None:
    check_python()
    python = os.path.join(folder, "bin", "python")
    if not works(python):
        print(f"making a virtual environment in {folder} …", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.call([sys.executable, "-m", "venv", folder])
        if done != 0:
            sys.exit("error: no virtual environment could be made; on Debian: apt-get install python3-venv")
    print(f"installing {requirements} (once; takes up to a minute) …", flush=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install"]
    if subprocess.call([*pip, "--require-hashes", "-r", requirements]) != 0:
        sys.exit("error: the installation failed; see above")
    for stamp in stamps:
        with open(stamp, "w"):
            pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
