"""The media plane of the embedded server: RTP is forwarded, never decoded and never encoded.

The rest of the server needs only `router.MediaRouter`, which raises `errors.MediaServerError`.
"""
