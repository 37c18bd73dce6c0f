"""JSON-RPC: RPC sessions, which take requests and send responses and notifications."""
