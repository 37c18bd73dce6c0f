"""HTTP: the REST API, the WebSocket endpoint, pages and files, metrics."""
