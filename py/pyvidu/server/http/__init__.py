"""HTTP: the REST API, the doors for WebSockets, pages and files, metrics."""
