"""JSON-RPC: requests in, answers and notifications out, RPC sessions in between."""
