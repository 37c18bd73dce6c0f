"""The OpenVidu 2.32 wire protocol as typed values, shared by the client and the embedded server.

It has no I/O, no clock and no state: it converts text to values and back. Sources: openvidu-browser 2.32.2,
openvidu-server 2.32.2 and kurento-jsonrpc 7.3.0.
"""
