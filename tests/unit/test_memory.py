import subprocess
import sys

import pytest

FAULTS = """
import resource
from fleetsim.memory import hand_back, keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        bytearray(40 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
usual, keeps, _ = faults(), keep_freed_memory(), faults()
print(usual, keeps, faults())
hand_back()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another C library")
def test_memory_that_is_freed_makes_room_for_the_next_column() -> None:
    told = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout
    usual, keeps, kept = told.split()

    assert keeps == "False" or int(kept) < int(usual) / 10


def test_garbage_is_not_looked_for_among_what_is_imported() -> None:
    code = "import gc; from fleetsim.memory import keep_imports; keep_imports(); print(gc.get_freeze_count())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert int(told) > 1000
