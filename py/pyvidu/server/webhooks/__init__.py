"""OpenVidu's webhooks: the events of its CDR, and their delivery."""
