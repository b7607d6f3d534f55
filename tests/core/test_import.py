import subprocess
import sys

# of the others only what everybody needs: processes are for who has executors of them
HEAVY = ("torch", "scipy", "matplotlib", "pandas", "tqdm", "safetensors", "multiprocessing", "numpy.polynomial")


def test_importing_the_core_loads_numpy_and_what_is_light():
    code = f"import sys, asng_core; print([m for m in {HEAVY} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
