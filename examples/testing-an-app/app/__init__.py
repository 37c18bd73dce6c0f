"""An application with calls: a page, and a backend that gives it tokens of an OpenVidu deployment."""
