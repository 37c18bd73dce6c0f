"""Errors that the media plane raises."""


class MediaServerError(Exception):
    """An offer that cannot be answered, or a request about a stream that does not exist; the message gives the reason.

    A failed request changes nothing: what existed before it still exists and still works.
    """
