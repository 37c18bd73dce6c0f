"""The OpenVidu 2.32 wire protocol as typed values, shared by the client and the embedded server.

No I/O, no clock, no state: text in, values out, and back. Sources: openvidu-browser 2.32.2, openvidu-server 2.32.2 and
kurento-jsonrpc 7.3.0.
"""
