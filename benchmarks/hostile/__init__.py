"""`make hostile`: what attackers do to a server beside a call that must not feel it."""
