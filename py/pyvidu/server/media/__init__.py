"""The media plane of the embedded server: RTP is forwarded, never decoded and never encoded.

`router.MediaRouter` is the only name the rest of the server needs; what goes wrong is a `errors.MediaServerError`.
"""
