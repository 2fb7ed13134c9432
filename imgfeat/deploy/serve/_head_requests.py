"""HEAD, wherever there is GET: the same answer without its body."""


class HeadRequests:
    """Middleware that has HEAD answered as GET.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message):
            if message["type"] == "http.response.body":
                message = message | {"body": b""}
            await send(message)

        # A scope of its own: the server goes by the method of the one that it made.
        await self._app(scope | {"method": "GET"}, receive, send_head)
