"""A consumer as applications have them. It knows nothing of edge-session."""

from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Echo(AsyncJsonWebsocketConsumer):
    """Tells who has shaken hands; then keeps in the session whatever it is sent."""

    async def connect(self):
        await self.accept()
        kept = {name: value for name, value in self.scope["session"].items() if name[0] != "_"}
        headers = [name.decode() for name, _ in self.scope["headers"]]
        await self.send_json({"user": self.scope["user"].get_username(), "data": kept, "cookies": sorted(self.scope["cookies"]), "headers": headers})

    async def receive_json(self, content):
        session = self.scope["session"]
        session.update(content)
        try:
            await session.asave()
        except Exception as error:
            await self.send_json({"failed": type(error).__name__})
        else:
            await self.send_json({"saved": sorted(content)})
