"""`make bench-networks`: one call on each network of everyday life, and who was told and saw nothing for how long."""
