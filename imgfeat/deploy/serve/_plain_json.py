"""JSON as all answers have it."""

import json

from starlette.responses import JSONResponse


class PlainJSON(JSONResponse):
    """JSON of ASCII alone, which can also say names of files that are no text."""

    def render(self, content) -> bytes:
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
        return text.encode("ascii")
