"""What pytest leaves out where an extra is not installed."""

from imgfeat._optional import has_module

collect_ignore_glob = [] if has_module("fastapi") else ["imgfeat/deploy/serve/*.py"]
