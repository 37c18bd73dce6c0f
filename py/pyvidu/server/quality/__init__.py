"""How good the network of each participant is, with the reason."""
