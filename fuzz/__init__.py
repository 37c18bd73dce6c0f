"""`make fuzz`: malformed input by the million for the server's WebSocket, its REST API and its media router's ports."""
