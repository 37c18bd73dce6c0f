"""The embedded OpenVidu-compatible server: signaling, rooms, REST and media forwarding on one machine."""
