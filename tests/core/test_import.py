import subprocess
import sys

HEAVY = ("torch", "scipy", "matplotlib", "pandas", "tqdm", "safetensors")


def test_importing_the_core_loads_nothing_but_numpy():
    code = f"import sys, asng_core; print([m for m in {HEAVY} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
