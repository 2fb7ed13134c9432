"""Run every benchmark and accuracy script, and keep the figures in results/.

python -m benchmarks [NAME ...]     # all, or those whose name contains a NAME
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main():
    wanted = sys.argv[1:]
    scripts = sorted([*HERE.glob("bench_*.py"), *HERE.glob("accuracy_*.py")])
    failed = []
    for script in scripts:
        if wanted and not any(name in script.stem for name in wanted):
            continue
        print(f"== {script.stem}", flush=True)
        result = HERE / "results" / f"{script.stem}.json"
        command = [sys.executable, "-m", f"benchmarks.{script.stem}"]
        start = time.perf_counter()
        command += ["--json", str(result)]
        done = subprocess.run(command, cwd=HERE.parent, check=False)
        print(f"== {script.stem}: {time.perf_counter() - start:.0f} s", flush=True)
        if done.returncode:
            failed.append(script.stem)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
