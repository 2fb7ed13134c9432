"""A detector of others on one image, in a process of its own; `bench_detect` starts it.

    python -m benchmarks.peer_detect opencv|dlib IMAGE.npy

Prints a line of JSON with its version when it is ready. For each line of JSON that it
reads, ``{"scale": 1.05}`` say, it prints one with the seconds that the call took and
how many boxes there were.
"""

import json
import sys
import time

import numpy as np


def opencv():
    import cv2

    cv2.setNumThreads(1)
    people = cv2.HOGDescriptor()
    people.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())

    def detect(image, scale):
        boxes, _ = people.detectMultiScale(image, winStride=(8, 8), scale=scale)
        return len(boxes)

    return cv2.__version__, detect


def dlib():
    import dlib

    faces = dlib.get_frontal_face_detector()
    return dlib.__version__, lambda image, scale: len(faces(image, 0))


def main():
    peer, path = sys.argv[1:]
    image = np.load(path)
    version, detect = {"opencv": opencv, "dlib": dlib}[peer]()
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        n_boxes = detect(image, **json.loads(line))
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "boxes": n_boxes}), flush=True)


if __name__ == "__main__":
    main()
