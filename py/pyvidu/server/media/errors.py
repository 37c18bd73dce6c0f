"""What the media plane raises."""


class MediaServerError(Exception):
    """An offer that cannot be answered, or a request about a stream that does not exist; the text says what is wrong.

    Nothing of the failed request is left behind: what existed before it still exists and still works.
    """
