"""OpenCV kept to the thread that calls it, for `n_jobs` says how many there are."""

import cv2

from imgfeat._switch import HeldSwitch

# One for all rooms: the setting is global to OpenCV, so two would undo each other.
one_opencv_thread = HeldSwitch(cv2.getNumThreads, cv2.setNumThreads, 1)
