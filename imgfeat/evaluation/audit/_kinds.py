"""What people are told of each kind of finding, and which need no look."""

ABOUT = {
    "unreadable": "Nothing can be learned from these files. Repair or drop them.",
    "truncated": "Their data ends early. Get them anew or drop them; nothing here "
    "learns from half a picture.",
    "duplicate across splits": "A model is tested on what it was trained on, and looks "
    "better than it is. Keep each in one split.",
    "duplicate across labels": "One picture with two labels: one of them is wrong.",
    "label error": "A model that has not seen these images gives them another label. "
    "Look, then relabel, drop or keep.",
    "exact duplicate": "The same pixels again. One of each is enough.",
    "listed twice": "One file, named more than once.",
    "near duplicate": "A copy that was resized, cropped, turned, recompressed or "
    "retouched, or the next shot. Keep each set in one fold: duplicate_groups gives "
    "groups=.",
    "wrong suffix": "The file holds another format than its name says.",
    "one color": "Nothing is to be seen; perhaps it stands for a missing picture.",
    "tiny": "Few pixels; most of the picture is made up when it is enlarged.",
    "outlier": "Unlike all others: does it belong here?",
    "dark": "Little is to be seen.",
    "bright": "Little is to be seen.",
    "blurred": "Out of focus, shaken or enlarged.",
    "low contrast": "Gray in gray.",
    "odd aspect": "Much wider or higher than the others; resizing distorts it.",
    "odd size": "Much larger or smaller than the others.",
    "odd mode": "Gray among colors, transparent, or deeper than the others.",
    "rotated by EXIF": "Stored lying, shown upright. Other programs may not turn it.",
}
# An image alone is right here; what is wrong is that there is another one.
IN_GROUPS = (
    "duplicate across splits",
    "duplicate across labels",
    "exact duplicate",
    "listed twice",
    "near duplicate",
)
SAME_PIXELS = ("exact duplicate", "listed twice")
# What may be dropped without a look: no model of ours takes half a file.
SAFE = ("unreadable", "truncated", *SAME_PIXELS)
