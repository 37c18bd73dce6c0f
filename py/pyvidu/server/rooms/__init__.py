"""Rooms, participants and tokens. No I/O."""
